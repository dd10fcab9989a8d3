/** Instances, checks and nodes with all that operators want to know of them, as JSON. Pure; secrets of probes are left out. */

import type { CheckDefinition, CheckDetail, InstanceDetail, NodeDetail } from '@rollcall/protocol';
import { statuses, statusOfNode, weightOf } from '../../registry/kind/catalog/effective-status.ts';
import { checksOfInstance, checksOfNode, findNode, instancesOnNode } from '../../registry/kind/catalog/find.ts';
import type { CheckRow, InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { Reader } from '../../registry/reader.ts';
import type { Authorizer } from '../../security/authorizer.ts';

/** The newest output of a check, which may be newer than that of its row. */
export type OutputOf = (check: CheckRow) => string;

const can = (authorizer: Authorizer, namespace: string, resource: 'service' | 'node', name: string): readonly ('read' | 'write')[] => (authorizer.allows(namespace, resource, 'write', name) ? ['read', 'write'] : ['read']);

export function instanceDetail(reader: Reader, authorizer: Authorizer, row: InstanceRow, outputOf: OutputOf): InstanceDetail {
  const { namespace, node, id, service, port, scheme, ports, zone, region, cluster, tags, meta, weight, warningWeight, enabled, persistent, override, weightOverride, overridden, registeredMs, changedMs, session: held } = row;
  const status = statuses(reader)(row);
  const session = held === undefined ? undefined : findSession(reader, namespace, held);
  const optional = { scheme, ports, zone, region, cluster, warningWeight, changedMs, override, weightOverride, overridden, session: session === undefined ? undefined : { name: session.name, liveness: session.liveness } };
  return {
    ...{ namespace, node, service, id, address: addressOf(reader, row), port, status, weight: weightOf(row, status), tags, meta, can: can(authorizer, namespace, 'service', service) },
    checks: [...checksOfInstance(reader, namespace, node, id), ...(node === '' ? [] : checksOfNode(reader, node))].map((check) => checkDetail(check, outputOf)),
    ...{ reported: row.status ?? 'up', enabled: enabled ?? true, persistent: persistent ?? false, registeredWeight: weight, registeredMs },
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** @param instancesMax of the list */
export function nodeDetail(reader: Reader, authorizer: Authorizer, namespace: string, { name, address, id, meta }: NodeRow, outputOf: OutputOf, instancesMax: number): NodeDetail {
  const statusOf = statuses(reader);
  const readable = [...instancesOnNode(reader, namespace, name)].filter(({ service }) => authorizer.allows(namespace, 'service', 'read', service));
  const instances = readable.slice(0, instancesMax).map((row) => {
    const status = statusOf(row);
    return { service: row.service, id: row.id, address: addressOf(reader, row), port: row.port, status, weight: weightOf(row, status), tags: row.tags, can: can(authorizer, namespace, 'service', row.service) };
  });
  return {
    ...{ node: name, address, ...(id === '' ? {} : { id }), meta, status: statusOfNode(reader, name) },
    checks: [...checksOfNode(reader, name)].map((check) => checkDetail(check, outputOf)),
    ...{ instances, count: readable.length, can: can(authorizer, namespace, 'node', name) },
  };
}

function checkDetail(check: CheckRow, outputOf: OutputOf): CheckDetail {
  const { id, name, type, status, notes, definition } = check;
  const { intervalMs, ttlMs } = definition;
  const target = targetOf(definition);
  return { id, name, type, status, output: outputOf(check), notes, ...(target === undefined ? {} : { target }), ...(intervalMs === undefined ? {} : { intervalMs }), ...(ttlMs === undefined ? {} : { ttlMs }) };
}

/** Where a probe goes. A URL may have a password and parameters, which are left out. */
function targetOf({ http, tcp, grpc, mcp }: CheckDefinition): string | undefined {
  const url = http ?? mcp;
  if (url === undefined || !URL.canParse(url)) return tcp ?? grpc;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function addressOf(reader: Reader, { address, node }: InstanceRow): string {
  return address === '' ? (findNode(reader, node)?.address ?? '') : address;
}
