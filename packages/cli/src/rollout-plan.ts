/** A rollout on a command line: `--stage 10%:5m --stage 3:10m --alarm unhealthy:0.5 --rule label:ring=beta`. */

import { InvalidArgumentError } from 'commander';
import type { RolloutAlarm, RolloutInput, RolloutPlan, RolloutRule, RolloutStage } from '@rollcall/protocol';
import { duration } from './option-values.ts';

/** `10%:5m`: a share and how long; `3:5m`: a number of instances. May be repeated. */
export function stage(text: string, before: readonly RolloutStage[]): readonly RolloutStage[] {
  const [, size = '', percent, time = ''] = /^(\d+(?:\.\d{1,3})?)(%?):(.+)$/.exec(text) ?? [];
  if (size === '') throw new InvalidArgumentError('write PERCENT%:TIME or COUNT:TIME, such as 10%:5m or 3:10m.');
  const bakeMs = duration(time);
  if (percent === '' && size.includes('.')) throw new InvalidArgumentError('a count is a whole number.');
  return [...before, percent === '%' ? { percent: Number(size), bakeMs } : { count: Number(size), bakeMs }];
}

/** `unhealthy:0.5`, `error:0.2` or `unhealthy,error:0.5`. */
export function alarm(text: string): RolloutAlarm {
  const [, on = '', share = ''] = /^((?:unhealthy|error)(?:,(?:unhealthy|error))?):(0?\.\d+|1)$/.exec(text) ?? [];
  if (on === '') throw new InvalidArgumentError('write WHAT:SHARE, such as unhealthy:0.5, error:0.2 or unhealthy,error:0.5.');
  return { on: on.split(',') as RolloutAlarm['on'], share: Number(share) };
}

/** `app:A,B`, `address:10.0.0.0/8`, `label:KEY=V1,V2`, `instance:NODE/ID` or `expression:TEXT`. */
export function rule(text: string): RolloutRule {
  const [, kind = '', what = ''] = /^(app|address|label|instance|expression):(.+)$/s.exec(text) ?? [];
  const words = what.split(',');
  const [, label = '', values = ''] = /^([^=]+)=(.+)$/s.exec(what) ?? [];
  if (kind === 'app') return { kind, apps: words };
  if (kind === 'address') return { kind, addresses: words };
  if (kind === 'instance') return { kind, instances: words };
  if (kind === 'expression') return { kind, expression: what };
  if (kind === 'label' && label !== '') return { kind, label, values: values.split(',') };
  throw new InvalidArgumentError('write app:A,B, address:10.0.0.0/8, label:KEY=V1,V2, instance:NODE/ID or expression:TEXT.');
}

export interface PlanFlags {
  readonly stage: readonly RolloutStage[];
  readonly alarm?: RolloutAlarm;
  readonly webhook?: string;
  readonly service?: string;
}

/** @returns undefined when the command line has neither a stage nor a rule */
export function rolloutOf(flags: PlanFlags & { readonly rule?: RolloutRule }): RolloutInput | undefined {
  const { rule: named } = flags;
  const plan = planOf(flags);
  if (plan === undefined && named === undefined) return undefined;
  return { name: plan === undefined ? 'rule' : 'release', ...(plan === undefined ? {} : { plan }), ...(named === undefined ? {} : { rule: named }) };
}

/** @returns undefined when the command line has no stage */
export function planOf({ stage: stages, alarm: given, webhook, service }: PlanFlags): RolloutPlan | undefined {
  if (stages.length === 0) return undefined;
  const asked = given ?? (webhook === undefined ? undefined : { on: [], share: 1 });
  return {
    stages,
    ...(asked === undefined ? {} : { alarm: { ...asked, ...(webhook === undefined ? {} : { webhook }) } }),
    ...(service === undefined ? {} : { service }),
  };
}
