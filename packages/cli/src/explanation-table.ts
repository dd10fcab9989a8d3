/** The explanation of a service for people: a line for the list, a table of instances with the reasons in words, and notes. */

import { reasonText, ruleText, type Explanation, type InstanceExplanation, type Standing } from '@rollcall/client';
import { hostPort } from './instances-table.ts';
import { printTable, type Tone } from './table.ts';
import { print, type Terminal } from './terminal.ts';

const tones: Readonly<Record<Standing, Tone>> = { eligible: 'good', spare: 'poor', out: 'bad' };

export function printExplanation(terminal: Terminal, { service, list, route, groups, instances }: Explanation): void {
  const eligible = instances.filter(({ standing }) => standing === 'eligible').length;
  const age = list?.stale === true ? `, stale for ${seconds(list.ageMs)}` : '';
  const from = list === undefined ? 'no list is known yet' : `list from the ${list.origin ?? 'source'} at revision ${list.revision}${age}`;
  print(terminal, `${service}: ${eligible} of ${instances.length} eligible; ${from}`);
  if (route !== undefined && route.words.length > 0) print(terminal, `the route at revision ${route.revision} decides ${route.words.join(', ')}`);
  if (route?.refused !== undefined) print(terminal, `the route at revision ${route.refused.revision} is not understood: ${route.refused.reason}`);
  for (const group of groups) {
    const note = ruleText(group);
    if (note !== undefined) print(terminal, note);
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

function seconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
