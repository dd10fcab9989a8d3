/** A rollout as people read it on a terminal: `10 % for 5m, then all clients`. The form that the command line takes is in `rollout-plan.ts`. */

import type { RolloutInput } from '@rollcall/protocol';
import { visible } from './terminal.ts';

/** @param rollout undefined: all clients get it at once */
export function rolloutText(rollout: RolloutInput | undefined): string {
  if (rollout === undefined) return 'all clients at once';
  const { rule, plan } = rollout;
  const whom = rule === undefined ? '' : `${ruleText(rule)}: `;
  if (plan === undefined) return `${rule === undefined ? 'all clients' : ruleText(rule)}, until it is stopped or completed`;
  const stages = plan.stages.map(({ percent, count, bakeMs }) => `${percent === undefined ? `${count ?? 0} instance${count === 1 ? '' : 's'}` : `${percent} %`}${bakeMs === 0 ? '' : ` for ${span(bakeMs)}`}`);
  const { alarm } = plan;
  const alarms = alarm === undefined ? [] : [...(alarm.on.length === 0 ? [] : [`at ${Math.round(alarm.share * 100)} % more instances that are ${alarm.on.map((each) => (each === 'error' ? 'reporting an error' : each)).join(' or ')}`]), ...(alarm.webhook === undefined ? [] : [`when ${visible(alarm.webhook)} says so`])];
  return `${whom}${[...stages, 'all clients'].join(', then ')}${alarms.length === 0 ? '' : `; taken back ${alarms.join(', or ')}`}`;
}

function ruleText({ kind, label = '', values = [], expression = '', ...lists }: NonNullable<RolloutInput['rule']>): string {
  if (kind === 'label') return visible(`clients with ${label} = ${values.join(' or ')}`);
  if (kind === 'expression') return visible(`clients for which ${expression} holds`);
  return visible(`${kind}${kind === 'address' ? 'es' : 's'} ${(lists.apps ?? lists.addresses ?? lists.instances ?? []).join(', ')}`);
}

function span(ms: number): string {
  for (const [unit, size] of [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const) if (ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}
