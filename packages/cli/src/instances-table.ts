/** Instances as a table for people. */

import type { Instance, InstanceStatus } from '@rollcall/protocol';
import { printTable, type Tone } from './table.ts';
import type { Terminal } from './terminal.ts';

const tones: Readonly<Record<InstanceStatus, Tone>> = {
  passing: 'good',
  warning: 'poor',
  starting: 'poor',
  draining: 'poor',
  critical: 'bad',
  maintenance: 'bad',
};

export function printInstances(terminal: Terminal, instances: readonly Instance[]): void {
  const sorted = instances.toSorted((a, b) => compare(a.id, b.id) || compare(a.node, b.node));
  printTable(
    terminal,
    ['ID', 'ADDRESS', 'STATUS', 'NODE', 'TAGS'],
    sorted.map(({ id, address, port, status, node, tags }) => [
      id,
      hostPort(address, port),
      { text: status, tone: tones[status] },
      node,
      tags.join(', '),
    ]),
  );
}

export function hostPort(host: string, port: number): string {
  if (port === 0) return host;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
