/**
 * An instance as a target group of Prometheus' HTTP service discovery, `{"targets", "labels"}`, and the fields that a filter may select.
 * Pure.
 *
 * Source: https://prometheus.io/docs/prometheus/latest/http_sd/ and `consul_sd_config` for the form of tags and metadata.
 */

import { isIPv6 } from 'node:net';
import type { InstanceStatus } from '@rollcall/protocol';
import { float, integer, list, map, struct, text, type StructShape } from '../../filter/shape.ts';
import { weightOf } from '../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';

/** An instance with what its own row does not have. */
export interface Target {
  readonly row: InstanceRow;
  /** Its own, or its node's. */
  readonly address: string;
  readonly status: InstanceStatus;
}

const prefix = '__meta_rollcall_';

/** Fields have the names that they have on the native stream. */
export const filterShape: StructShape = struct({
  namespace: [text, (target) => rowOf(target).namespace],
  service: [text, (target) => rowOf(target).service],
  node: [text, (target) => rowOf(target).node],
  id: [text, (target) => rowOf(target).id],
  address: text,
  port: [integer, (target) => rowOf(target).port],
  scheme: [text, (target) => rowOf(target).scheme],
  zone: [text, (target) => rowOf(target).zone],
  region: [text, (target) => rowOf(target).region],
  cluster: [text, (target) => rowOf(target).cluster],
  status: text,
  weight: [float, (target) => weightOf(rowOf(target), (target as Target).status)],
  tags: [list(text), (target) => rowOf(target).tags],
  meta: [map(text), (target) => rowOf(target).meta],
});

/** The target group of one instance, as JSON. */
export function groupOf(target: Target): string {
  const { row, address } = target;
  return JSON.stringify({ targets: [hostAndPort(address, row.port)], labels: labelsOf(target) });
}

/** Labels without a value are left out: for Prometheus both are the same. */
export function labelsOf({ row, address, status }: Target): Record<string, string> {
  const labels: Record<string, string> = {};
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') labels[prefix + name] = value;
  };
  add('namespace', row.namespace);
  add('service', row.service);
  add('node', row.node);
  add('id', row.id);
  add('address', address);
  add('port', String(row.port));
  add('scheme', row.scheme);
  add('zone', row.zone);
  add('region', row.region);
  add('cluster', row.cluster);
  add('status', status);
  add('weight', String(weightOf(row, status)));
  // So that a regular expression finds a tag wherever it stands: `.*,metrics,.*`.
  if (row.tags.length > 0) add('tags', `,${row.tags.join(',')},`);
  addEach(labels, 'port_', Object.entries(row.ports ?? {}).map(([name, { port }]) => [name, String(port)]));
  addEach(labels, 'meta_', Object.entries(row.meta));
  return labels;
}

/**
 * Two names that become the same label: the name that needed no change wins, otherwise the first in the order of UTF-16 code units. Which
 * one it is must not depend on the order of registration.
 */
function addEach(labels: Record<string, string>, kind: string, entries: readonly (readonly [name: string, value: string])[]): void {
  const sorted = entries.length < 2 ? entries : entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of sorted) {
    const sanitized = sanitize(name);
    const label = prefix + kind + sanitized;
    if (value !== '' && (sanitized === name || labels[label] === undefined)) labels[label] = value;
  }
}

/** As Prometheus' `strutil.SanitizeLabelName`. */
export function sanitize(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/gu, '_');
}

function hostAndPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function rowOf(target: unknown): InstanceRow {
  return (target as Target).row;
}
