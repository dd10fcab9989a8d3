/** What a request is to the table of requests: a read that is answered here, or a write that becomes a command. */

import type { Context } from '../../../net/frontend.ts';
import type { Turns } from '../../../net/turns.ts';
import type { OpName } from '../../../jute/codes.ts';
import type { ReplyBody } from '../../../jute/replies.ts';
import type { RequestBody } from '../../../jute/requests.ts';
import type { Command } from '../../../registry/kinds.ts';
import type { Access } from '../../../security/access.ts';
import type { Settled } from '../options.ts';
import type { SessionClient } from '../session-client.ts';
import type { Sessions } from '../sessions.ts';
import type { Statistics } from '../statistics.ts';
import type { Tree } from '../tree.ts';
import type { WatchTable } from '../watches/watch-table.ts';

/** What all clients of the front end share. */
export interface Parts {
  readonly context: Context;
  readonly options: Settled;
  readonly sessions: Sessions;
  readonly tree: Tree;
  /** Of all clients together. */
  readonly statistics: Statistics;
  readonly watches: WatchTable<SessionClient>;
  /** For work that grows with the size of the tree. */
  readonly turns: Turns;
}

export interface Call extends Parts {
  readonly client: SessionClient;
}

/** The bytes of a body that was encoded before, or in slices. */
export class EncodedBody {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

export type Answer<O extends OpName> = ReplyBody<O> | EncodedBody;

export interface Read<O extends OpName> {
  readonly kind: 'read';
  readonly access: Access;
  /** Events that come while it is answered are sent behind its answer, which shows an older state. */
  readonly holdsEvents?: true;
  /** @throws RegistryError */
  run(call: Call, body: RequestBody<O>): Answer<O> | Promise<Answer<O>>;
}

export interface Write<O extends OpName> {
  readonly kind: 'write';
  readonly access: Access;
  /** @throws RegistryError */
  command(call: Call, body: RequestBody<O>): Command;
  /** @param result of the command @throws RegistryError */
  answer(result: unknown, body: RequestBody<O>): ReplyBody<O>;
}

export type RequestTable = { readonly [O in OpName]: Read<O> | Write<O> };
