/**
 * Translates between the frames of the stream and the registry's rows and commands. Pure.
 */

import { createHash } from 'node:crypto';
import { kindOfCheck, type CheckRegistration, type InstanceRegistration } from '@rollcall/protocol';
import type { CheckInput, InstanceInput } from '../../registry/kind/catalog/commands.ts';
import type { SessionRow } from '../../registry/kind/session/rows.ts';

/** Pause between two probes of a check that names none; the value in Consul's examples. */
const intervalMs = 10_000;

/** Ids of checks are unique on their node, so those of an instance carry its id. */
export const checkIds = {
  stream: (instance: string) => `stream:${instance}`,
  own: (instance: string, name: string) => `${instance}:${name}`,
} as const;

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
  const type = kindOfCheck(definition);
  return {
    id: checkIds.own(instance, name),
    name,
    instance,
    type,
    definition: type === 'ttl' ? definition : { intervalMs, ...definition },
    ...(notes === undefined ? {} : { notes }),
  };
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
