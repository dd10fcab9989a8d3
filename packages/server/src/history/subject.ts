/**
 * What a remembered change is about, as one number of 32 bits: a reader who looks for the changes of one service passes over all others
 * without decoding them. Two subjects may have the same number, so a reader checks the row.
 */

import { hash32 } from '@rollcall/protocol';
import type { CheckRow, InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { RowChange } from '../registry/kinds.ts';

/** A change that concerns more than one subject: an instance got another service, or a check another instance. */
export const anySubject = 0xffff_ffff;

const kinds = { service: 1, instance: 2, node: 3 } as const;

export const serviceSubject = (namespace: string, service: string) => numberOf('service', `${namespace}\0${service}`);
/** Of the checks of an instance. */
export const instanceSubject = (namespace: string, node: string, id: string) => numberOf('instance', `${namespace}\0${node}\0${id}`);
/** Of the node's own checks. */
export const nodeSubject = (node: string) => numberOf('node', node);

/** @returns 0 for rows of other kinds than instances, checks and nodes */
export function subjectOf({ before, after }: RowChange): number {
  const row = after ?? before;
  switch (row?.kind) {
    case 'instance':
      return before !== undefined && after !== undefined && (before as InstanceRow).service !== row.service ? anySubject : serviceSubject(row.namespace, row.service);
    case 'check':
      return before !== undefined && after !== undefined && (before as CheckRow).instance !== row.instance ? anySubject : subjectOfCheck(row);
    case 'node':
      return nodeSubject(row.name);
    default:
      return 0;
  }
}

function subjectOfCheck({ namespace, node, instance }: CheckRow): number {
  return instance === '' ? nodeSubject(node) : instanceSubject(namespace, node, instance);
}

/** The two low bits tell the kinds of subjects apart. */
function numberOf(kind: keyof typeof kinds, name: string): number {
  return ((hash32(name) << 2) | kinds[kind]) >>> 0;
}
