/** Stages of a rollout as operators write them, as on the command line: `1:10m 50%:10m 100%:30m`. Pure. */

import type { RolloutAlarm, RolloutInput, RolloutPlan, RolloutRule, RolloutStage } from '@rollcall/protocol';
import { spanOf } from '../../live/time.ts';
import { milliseconds } from './time.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** Ready-made plans, by the name that a choice shows. */
export const presets = [
  { name: 'All clients at once', text: '' },
  { name: '10 %, then 50 %, then all', text: '10%:10m 50%:10m' },
  { name: '1 instance, then 50 %, then all', text: '1:5m 50%:10m' },
  { name: '1 %, then 10 %, 50 %, all', text: '1%:15m 10%:30m 50%:30m' },
] as const;

export function parseStages(text: string): Parsed<readonly RolloutStage[]> {
  const stages: RolloutStage[] = [];
  for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const found = /^(\d{1,7}(?:\.\d{1,3})?)(%?)(?::(\w+))?$/.exec(word);
    const bakeMs = found?.[3] === undefined ? 0 : milliseconds(found[3]);
    if (found === null || bakeMs === undefined) return { ok: false, message: `${word} is no stage: write 10%:5m or 3:5m, a share or a number of instances and how long` };
    const size = Number(found[1]);
    if (found[2] === '%' ? size > 100 : !Number.isInteger(size)) return { ok: false, message: `${word}: ${found[2] === '%' ? 'a share is at most 100 %' : 'a number of instances is a whole number'}` };
    stages.push(found[2] === '%' ? { percent: size, bakeMs } : { count: size, bakeMs });
  }
  return { ok: true, value: stages };
}

export function printStages(stages: readonly RolloutStage[]): string {
  return stages.map(({ percent, count, bakeMs }) => `${percent === undefined ? String(count ?? 0) : `${percent}%`}:${spelled(bakeMs)}`).join(' ');
}

/** Exact, unlike `duration`. */
function spelled(ms: number): string {
  for (const [unit, size] of [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const) if (ms > 0 && ms % size === 0) return `${ms / size}${unit}`;
  return ms === 0 ? '0s' : `${ms}ms`;
}

export function stageText({ percent, count, bakeMs }: RolloutStage): string {
  return `${percent === undefined ? `${count ?? 0} instance${count === 1 ? '' : 's'}` : `${percent} %`}${bakeMs > 0 ? ` for ${spanOf(bakeMs)}` : ''}`;
}

export function alarmText({ on, share, atLeast = 1, webhook }: RolloutAlarm): string {
  if (on.length === 0) return `The rollout ends by itself when ${webhook ?? 'a program'} says so.`;
  const what = on.map((each) => (each === 'unhealthy' ? 'are unhealthy or lost' : 'report an error')).join(' or ');
  return `The rollout ends by itself when ${atLeast > 1 ? `at least ${atLeast} ` : ''}instances with the release ${what}, and their share is more than ${Math.round(share * 100)} % above that of the others${webhook === undefined ? '' : `, or when ${webhook} says so`}.`;
}

/** @param text `label:ring=beta,gold`, `app:shop`, `address:10.0.0.0/8`, `instance:n1/shop`, or `expression:…`; empty: all clients */
export function parseRule(text: string): Parsed<RolloutRule | undefined> {
  if (text.trim() === '') return { ok: true, value: undefined };
  const [, kind = '', rest = ''] = /^\s*(\w+)\s*:(.*)$/.exec(text) ?? [];
  const words = rest.split(',').map((each) => each.trim()).filter((each) => each !== '');
  if (words.length === 0) return { ok: false, message: 'a rule is KIND:WHICH, such as label:ring=beta or address:10.0.0.0/8' };
  if (kind === 'app') return { ok: true, value: { kind, apps: words } };
  if (kind === 'address') return { ok: true, value: { kind, addresses: words } };
  if (kind === 'instance') return { ok: true, value: { kind, instances: words } };
  if (kind === 'expression') return { ok: true, value: { kind, expression: rest.trim() } };
  const [label = '', first] = (words[0] ?? '').split('=');
  if (kind === 'label' && label !== '' && first !== undefined) return { ok: true, value: { kind, label, values: [first, ...words.slice(1)] } };
  return { ok: false, message: `${kind} is no kind of rule: use app, address, label, instance or expression` };
}

export function ruleText(rule: RolloutRule): string {
  if (rule.kind === 'label') return `clients with ${rule.label} = ${(rule.values ?? []).join(' or ')}`;
  if (rule.kind === 'expression') return `clients for which ${rule.expression} holds`;
  return `${rule.kind === 'app' ? 'apps' : rule.kind === 'address' ? 'addresses' : 'instances'} ${(rule.apps ?? rule.addresses ?? rule.instances ?? []).join(', ')}`;
}

/** @param rollout undefined: all clients get it at once */
export function rolloutText(rollout: RolloutInput | undefined): string {
  if (rollout === undefined) return 'all clients at once';
  const { rule, plan } = rollout;
  if (plan === undefined) return `${rule === undefined ? 'all clients' : `only ${ruleText(rule)}`}, until the rollout is stopped or given to all`;
  return `${rule === undefined ? '' : `first only ${ruleText(rule)}: `}${planText(plan)}`;
}

export function planText({ stages }: RolloutPlan): string {
  return [...stages.map(stageText), 'all clients'].join(' → ');
}
