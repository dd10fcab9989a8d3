/** Opens the engine of a node that follows another one, from a program's options: URL, token file, authorities file. */

import { readFile } from 'node:fs/promises';
import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import { systemClock } from './clock.ts';
import type { LinkChange } from './cluster/channel/link.ts';
import type { Engine } from './engine/engine.ts';
import { openNode } from './engine/node/node.ts';
import { authoritiesOf } from './net/certificates.ts';
import { assertPrivate } from './net/private-url.ts';
import { version } from './version.ts';

export interface FollowOptions {
  /** Of the primary's HTTP: `http://127.0.0.1:8500`, `https://primary:8501` or `unix:///run/rollcall.sock`. */
  readonly url: string;
  /** The cluster key or a token; alternatively `tokenFile`, which is read for each connection. None by default. */
  readonly secret?: string;
  /** File whose first line is a token with `operator:write` and `acl:write`. */
  readonly tokenFile?: string;
  /** File with the certificates (PEM) of the authorities that signed the primary's; the well-known ones by default. */
  readonly caFile?: string;
  /** Allows plain HTTP to another machine, where the token and all that is registered can be read on the way. */
  readonly unsafeAllowPlaintext?: boolean;
  /** Silent by default. */
  readonly log?: Pick<Logger, 'info' | 'warn'>;
}

/**
 * @throws RegistryError `invalid_argument` when the URL is invalid, a file cannot be read, or `caFile` holds no certificates; `failed_precondition` when
 *   other machines could read what is sent (`assertPrivate`), or the primary admits no followers; `unavailable`, `unauthenticated` or
 *   `permission_denied`, as the primary answers
 */
export async function follow({ url, secret, tokenFile, caFile, unsafeAllowPlaintext = false, log }: FollowOptions): Promise<Engine> {
  assertPrivate(url, unsafeAllowPlaintext);
  const token = async () => secret ?? (tokenFile === undefined ? '' : firstLine(await read(tokenFile)));
  const ca = caFile === undefined ? {} : { ca: await authoritiesOf(caFile) };
  // Reports an unreadable file now, and not at each connection.
  await token();
  return openNode({ url, version, secret: token, ...ca, clock: systemClock, random: Math.random, onChange: (change) => tell(url, change, log) });
}

function tell(url: string, change: LinkChange, log: FollowOptions['log']): void {
  if (change.kind === 'lost') log?.warn({ primary: url, reason: change.error.message }, 'there is no connection to the primary; it is tried again');
  else log?.info({ primary: url, nodeId: change.welcome.nodeId, version: change.welcome.version }, 'connected to the primary');
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new RegistryError('invalid_argument', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').trim();
}
