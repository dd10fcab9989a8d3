/** The explanation of a service for people: a line for the list, a table of instances with the reasons in words, and notes. */

import type { Explanation, GroupExplanation, InstanceExplanation, Reason, Standing } from '@rollcall/client';
import { hostPort } from './instances-table.ts';
import { printTable, type Tone } from './table.ts';
import { print, type Terminal } from './terminal.ts';

const tones: Readonly<Record<Standing, Tone>> = { eligible: 'good', spare: 'poor', out: 'bad' };

/** The reasons why instances that are not ready may be chosen. */
const rules: Readonly<Partial<Record<GroupExplanation['rule'], string>>> = {
  panic: 'too few are ready, so critical ones are chosen, too',
  weightless: 'all that are ready have weight 0, so weights do not count',
  critical: 'none is ready, so critical ones are chosen: the check may be wrong',
  draining: 'only draining ones are left, so these are chosen',
  starting: 'only starting ones are left, so these are chosen',
};

export function printExplanation(terminal: Terminal, { service, list, groups, instances }: Explanation): void {
  const eligible = instances.filter(({ standing }) => standing === 'eligible').length;
  const age = list?.stale === true ? `, stale for ${seconds(list.ageMs)}` : '';
  const from = list === undefined ? 'no list is known yet' : `list from the ${list.origin ?? 'source'} at revision ${list.revision}${age}`;
  print(terminal, `${service}: ${eligible} of ${instances.length} eligible; ${from}`);
  for (const { rule, level, zone, share } of groups) {
    const note = share > 0 ? rules[rule] : undefined;
    const where = [zone === '' ? '' : ` of zone ${zone}`, level === 0 ? '' : ` of level ${level}`].join('');
    if (note !== undefined) print(terminal, `instances${where}: ${note}`);
  }
  const sorted = instances.toSorted((a, b) => compare(a.instance.id, b.instance.id) || compare(a.instance.node, b.instance.node));
  printTable(terminal, ['ID', 'ADDRESS', 'STATUS', 'WEIGHT', 'SHARE', 'CHOSEN', 'WHY NOT'], sorted.map(row));
}

function row({ instance, standing, reasons, share }: InstanceExplanation) {
  const { id, address, port, status, weight } = instance;
  const chosen = { text: standing === 'eligible' ? 'yes' : standing === 'spare' ? 'at need' : 'no', tone: tones[standing] };
  const part = share === undefined ? 'by load' : `${Math.round(share * 1000) / 10} %`;
  return [id, hostPort(address, port), status, String(weight), part, chosen, reasons.map(reasonText).join('; ')];
}

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

function seconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
