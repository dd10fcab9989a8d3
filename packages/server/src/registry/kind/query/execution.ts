/** What a prepared query finds: the same for every protocol that asks. Pure. */

import { getsTraffic } from '@rollcall/protocol';
import type { Reader } from '../../reader.ts';
import { statusWith } from '../catalog/effective-status.ts';
import { checksOfInstance, checksOfNode, findNode } from '../catalog/find.ts';
import type { CheckRow, InstanceRow, NodeRow } from '../catalog/rows.ts';
import type { PreparedService } from './rows.ts';

export interface FoundInstance {
  readonly instance: InstanceRow;
  /** Undefined for an instance that has no node. */
  readonly node: NodeRow | undefined;
  /** Those of its node, then its own, ignored ones included; each in order of their ids. */
  readonly checks: readonly CheckRow[];
  /** By the checks that count. */
  readonly status: 'passing' | 'warning';
}

/** @returns what the query finds of one instance of its service; undefined when it does not select it */
export function selectorOf(
  reader: Reader,
  wanted: PreparedService,
): (instance: InstanceRow) => FoundInstance | undefined {
  // Without a service mesh nothing is connect-native.
  if (wanted.connect) return () => undefined;
  const ignored = new Set(wanted.ignoredChecks);
  const required: string[] = [];
  const excluded: string[] = [];
  for (const tag of wanted.tags.map((one) => one.toLowerCase())) {
    if (tag.startsWith('!')) excluded.push(tag.slice(1));
    else required.push(tag);
  }
  return (instance) => {
    const node = findNode(reader, instance.node);
    if (node === undefined && instance.node !== '') return undefined;
    const tags = new Set(instance.tags.map((tag) => tag.toLowerCase()));
    if (!required.every((tag) => tags.has(tag)) || excluded.some((tag) => tags.has(tag))) return undefined;
    if (!hasAll(node?.meta ?? {}, wanted.nodeMeta) || !hasAll(instance.meta, wanted.meta)) return undefined;
    const checks = [
      ...[...checksOfNode(reader, instance.node)].sort(byId),
      ...[...checksOfInstance(reader, instance.namespace, instance.node, instance.id)].sort(byId),
    ];
    const counted = ignored.size === 0 ? checks : checks.filter(({ id }) => !ignored.has(id));
    const status = statusWith(instance, counted);
    if (!getsTraffic(status) || (wanted.onlyPassing && status !== 'passing')) return undefined;
    return { instance, node, checks, status };
  };
}

/** The peers that a query without an answer would be asked of, one after the other; there are none. */
export function failedOverTo({ failover: { targets } }: PreparedService): readonly string[] {
  return (targets ?? []).map(({ peer }) => peer).filter((peer) => peer !== '');
}

function byId(a: CheckRow, b: CheckRow): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function hasAll(meta: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(meta, key) && meta[key] === value);
}
