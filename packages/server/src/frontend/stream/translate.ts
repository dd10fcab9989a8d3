/**
 * Pure mapping between the stream's vocabulary and the registry's rows and commands.
 */

import { createHash } from 'node:crypto';
import type {
  CheckDefinition,
  CheckKind,
  CheckRegistration,
  Instance,
  InstanceRegistration,
  InstanceStatus,
  KvItem,
} from '@rollcall/protocol';
import type { CheckInput, InstanceInput } from '../../registry/command.ts';
import { weightOf } from '../../registry/kind/catalog/effective-status.ts';
import type { InstanceRow, KvRow, NodeRow, SessionRow } from '../../registry/rows.ts';

/** Pause between two probes of a check that names none; Consul's usual example. */
const intervalMs = 10_000;

/** Ids of checks are unique on their node, so those of an instance carry its id. */
export const checkIds = {
  stream: (instance: string) => `stream:${instance}`,
  drain: (instance: string) => `drain:${instance}`,
  own: (instance: string, name: string) => `${instance}:${name}`,
} as const;

export function toInstance(row: InstanceRow, node: NodeRow | undefined, status: InstanceStatus): Instance {
  return {
    id: row.id,
    service: row.service,
    node: row.node,
    address: row.address === '' ? (node?.address ?? '') : row.address,
    port: row.port,
    tags: row.tags,
    meta: row.meta,
    weight: weightOf(row, status),
    status,
  };
}

export function toKvItem({ key, value, flags, modified, session }: KvRow): KvItem {
  return {
    key,
    value: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64'),
    flags: flags.toString(),
    revision: modified,
    ...(session === undefined ? {} : { session }),
  };
}

export function toInstanceInput(instance: InstanceRegistration, session: string): InstanceInput {
  const { id, service, address, port, tags, meta, weights } = instance;
  return {
    id,
    service,
    session,
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port }),
    ...(tags === undefined ? {} : { tags }),
    ...(meta === undefined ? {} : { meta }),
    ...(weights === undefined ? {} : { weights }),
  };
}

/** The stream's own check of an instance, those that it asked for, and the drain check. */
export function toCheckInputs(instance: InstanceRegistration): CheckInput[] {
  const stream: CheckInput = {
    id: checkIds.stream(instance.id),
    name: 'Rollcall stream',
    status: 'passing',
    output: 'stream open',
    instance: instance.id,
    type: 'stream',
  };
  const own = (instance.checks ?? []).map((check) => toCheckInput(instance.id, check));
  return instance.draining === true ? [stream, ...own, drainCheck(instance.id)] : [stream, ...own];
}

export function drainCheck(instance: string): CheckInput {
  return {
    id: checkIds.drain(instance),
    name: 'Rollcall drain',
    status: 'critical',
    output: 'the instance is about to leave',
    instance,
    type: 'drain',
  };
}

function toCheckInput(instance: string, check: CheckRegistration): CheckInput {
  const { name, notes, ...definition } = check;
  const type = kindOf(definition);
  return {
    id: checkIds.own(instance, name),
    name,
    instance,
    type,
    definition: type === 'ttl' ? definition : { intervalMs, ...definition },
    ...(notes === undefined ? {} : { notes }),
  };
}

function kindOf({ ttlMs, http, tcp }: CheckDefinition): CheckKind {
  return ttlMs !== undefined ? 'ttl' : http !== undefined ? 'http' : tcp !== undefined ? 'tcp' : 'grpc';
}

/** What the registry keeps of a session's token. Tokens are random, so a plain hash is enough. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The token's hash in a session row; undefined when no stream made the session. */
export function hashIn({ foreign }: SessionRow): string | undefined {
  const stream = foreign?.['stream'];
  if (typeof stream !== 'object' || stream === null || !('tokenSha256' in stream)) return undefined;
  return typeof stream.tokenSha256 === 'string' ? stream.tokenSha256 : undefined;
}
