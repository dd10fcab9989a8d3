/** The plan of a rollout on a command line: `--stage 10%:5m --stage 3:10m --alarm unhealthy:0.5`. */

import { InvalidArgumentError } from 'commander';
import { duration } from './option-values.ts';

interface Stage {
  readonly percent?: number;
  readonly count?: number;
  readonly bakeMs: number;
}

/** `10%:5m`: a share and how long; `3:5m`: a number of instances. May be repeated. */
export function stage(text: string, before: readonly Stage[]): readonly Stage[] {
  const [, size = '', percent, time = ''] = /^(\d+(?:\.\d{1,3})?)(%?):(.+)$/.exec(text) ?? [];
  if (size === '') throw new InvalidArgumentError('write PERCENT%:TIME or COUNT:TIME, such as 10%:5m or 3:10m.');
  const bakeMs = duration(time);
  if (percent === '' && size.includes('.')) throw new InvalidArgumentError('a count is a whole number.');
  return [...before, percent === '%' ? { percent: Number(size), bakeMs } : { count: Number(size), bakeMs }];
}

interface Alarm {
  readonly on: readonly string[];
  readonly share: number;
}

/** `unhealthy:0.5`, `error:0.2` or `unhealthy,error:0.5`. */
export function alarm(text: string): Alarm {
  const [, on = '', share = ''] = /^((?:unhealthy|error)(?:,(?:unhealthy|error))?):(0?\.\d+|1)$/.exec(text) ?? [];
  if (on === '') throw new InvalidArgumentError('write WHAT:SHARE, such as unhealthy:0.5, error:0.2 or unhealthy,error:0.5.');
  return { on: on.split(','), share: Number(share) };
}

export interface PlanFlags {
  readonly stage: readonly Stage[];
  readonly alarm?: Alarm;
  readonly webhook?: string;
  readonly service?: string;
}

/** @returns undefined when the command line has no stage */
export function planOf({ stage: stages, alarm: given, webhook, service }: PlanFlags): object | undefined {
  if (stages.length === 0) return undefined;
  const asked = given ?? (webhook === undefined ? undefined : { on: [], share: 1 });
  return {
    stages,
    ...(asked === undefined ? {} : { alarm: { ...asked, ...(webhook === undefined ? {} : { webhook }) } }),
    ...(service === undefined ? {} : { service }),
  };
}
