/** Explanations in words, the same on a terminal and in the console. */

import type { GroupExplanation } from '../routing/explain-routing.ts';
import type { Reason } from '../routing/reason.ts';

/** The reasons why instances that are not ready may be chosen. */
const rules: Readonly<Partial<Record<GroupExplanation['rule'], string>>> = {
  panic: 'too few are ready, so critical ones are chosen, too',
  weightless: 'all that are ready have weight 0, so weights do not count',
  critical: 'none is ready, so critical ones are chosen: the check may be wrong',
  draining: 'only draining ones are left, so these are chosen',
  starting: 'only starting ones are left, so these are chosen',
};

/** A reason in words; times are rounded. */
export function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case 'selector':
      return 'not selected';
    case 'subset':
      return 'not in the subset of this caller';
    case 'canary':
      return 'on the other side of the canary';
    case 'level':
      return `level ${reason.level}: lower levels take everything`;
    case 'zone':
      return reason.zone === '' ? 'has no zone: others take everything' : `zone ${reason.zone}: others take everything`;
    case 'key':
      return 'the key goes to another zone or level';
    case 'preference':
      return 'the balancer goes to another one';
    case 'status':
      return reason.status;
    case 'weight':
      return 'weight 0';
    case 'unreachable':
      return `takes no connection; ${reason.checkInMs === undefined ? 'is being checked' : `checked in ${seconds(reason.checkInMs)}`}`;
    case 'ejected':
      return `ejected (${reason.reason}) for ${seconds(reason.forMs)}`;
    case 'breaker':
      return `circuit ${reason.state} for ${seconds(reason.forMs)}`;
    case 'busy':
      return `${reason.inFlightMax} requests in flight, its limit`;
  }
}

/** Why instances of a group that are not ready may be chosen. @returns undefined for a group as it should be, and for one without requests */
export function ruleText({ rule, level, zone, share }: Pick<GroupExplanation, 'rule' | 'level' | 'zone' | 'share'>): string | undefined {
  const note = share > 0 ? rules[rule] : undefined;
  const where = [zone === '' ? '' : ` of zone ${zone}`, level === 0 ? '' : ` of level ${level}`].join('');
  return note === undefined ? undefined : `instances${where}: ${note}`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`;
}
