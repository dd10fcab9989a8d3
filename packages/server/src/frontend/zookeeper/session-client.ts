/** The client of a session, as requests and watches know it; `connection/client.ts` is it. */

import type { AclId } from '../../registry/kind/znode/rows.ts';
import type { Caller } from '../../security/acl.ts';
import type { Holder } from './sessions.ts';
import type { ZnodeEventType } from './watches/watch-table.ts';

export interface SessionClient extends Holder {
  /** The rights of its newest token. */
  readonly caller: Caller;
  /** What it has proved, for ACLs. */
  readonly ids: readonly AclId[];

  /** The rights of a token instead of those before. @throws RegistryError `unauthenticated`; TooManyFailures */
  enter(secret: string): void;
  addId(id: AclId): void;

  /** An event for it, which is sent before the next answer, or when `deliver` is called. @param event encoded once for all who get it */
  notify(event: Buffer): void;
  notifyOf(type: ZnodeEventType, path: string, zxid: number): void;
  /** Sends the events that wait, unless an answer has to come first, or the client does not read. */
  deliver(): void;
  /** Sends the events that wait. */
  flush(): void;
}
