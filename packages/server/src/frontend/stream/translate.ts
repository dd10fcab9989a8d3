/**
 * Translates between the frames of the stream and the registry's rows and commands. Pure.
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
  LockHolder,
} from '@rollcall/protocol';
import type { CheckInput, InstanceInput } from '../../registry/kind/catalog/commands.ts';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { tokenOf, type HolderRow } from '../../registry/kind/lock/rows.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';
import { weightOf } from '../../registry/kind/catalog/effective-status.ts';

/** Pause between two probes of a check that names none; the value in Consul's examples. */
const intervalMs = 10_000;

/** Ids of checks are unique on their node, so those of an instance carry its id. */
export const checkIds = {
  stream: (instance: string) => `stream:${instance}`,
  own: (instance: string, name: string) => `${instance}:${name}`,
} as const;

export function toInstance(row: InstanceRow, node: NodeRow | undefined, status: InstanceStatus): Instance {
  return {
    id: row.id,
    service: row.service,
    node: row.node,
    address: row.address === '' ? (node?.address ?? '') : row.address,
    port: row.port,
    ...(row.scheme === undefined ? {} : { scheme: row.scheme }),
    ...(row.ports === undefined ? {} : { ports: row.ports }),
    ...(row.zone === undefined ? {} : { zone: row.zone }),
    ...(row.region === undefined ? {} : { region: row.region }),
    ...(row.cluster === undefined ? {} : { cluster: row.cluster }),
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

export function toLockHolder(row: HolderRow): LockHolder {
  return {
    contender: row.id,
    token: String(tokenOf(row)),
    ...(row.shared === undefined ? {} : { shared: row.shared }),
    ...(row.value === undefined ? {} : { value: row.value }),
  };
}

export function toInstanceInput({ checks: _checks, ...instance }: InstanceRegistration, session: string): InstanceInput {
  return instance.persistent === true ? instance : { ...instance, session };
}

/** The checks that an instance asked for, and, unless it is persistent, the check of the stream. */
export function toCheckInputs({ id, persistent, checks = [] }: InstanceRegistration): CheckInput[] {
  const own = checks.map((check) => toCheckInput(id, check));
  return persistent === true ? own : [streamCheck(id), ...own];
}

function streamCheck(instance: string): CheckInput {
  return {
    id: checkIds.stream(instance),
    name: 'Rollcall stream',
    status: 'passing',
    output: 'stream open',
    instance,
    type: 'stream',
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

/** The hash of a session's token, which the registry stores. Tokens are random, so a plain hash is enough. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The token's hash in a session row; undefined when no stream made the session. */
export function hashIn({ foreign }: SessionRow): string | undefined {
  const stream = foreign?.['stream'];
  if (typeof stream !== 'object' || stream === null || !('tokenSha256' in stream)) return undefined;
  return typeof stream.tokenSha256 === 'string' ? stream.tokenSha256 : undefined;
}
