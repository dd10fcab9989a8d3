/**
 * Turns the changes of the state into events, and events into packets for the clients that watch. An event waits in its client from the turn in
 * which the change is applied, so it goes before every answer that shows the change; clients without an answer under way get it in coming turns of
 * the event loop, some thousands in each.
 */

import { encodeNotification } from '../../../jute/replies.ts';
import { FanOut, type Pass } from '../../../net/fan-out.ts';
import type { Observer } from '../../../registry/observer.ts';
import type { SessionRow } from '../../../registry/kind/session/rows.ts';
import type { RowChange } from '../../../registry/kinds.ts';
import { znodeEvents } from '../../../registry/kind/znode/events.ts';
import { aclOf, findZnode } from '../../../registry/kind/znode/find.ts';
import { isOf } from '../../../registry/row.ts';
import { openAcl, type Acl, type ZnodeAclRow } from '../../../registry/kind/znode/rows.ts';
import { maySee } from '../rights.ts';
import type { Parts } from '../requests/request.ts';
import type { SessionClient } from '../session-client.ts';
import { eventTypeOf } from './event-type.ts';
import { virtualEvents } from '../virtual/virtual-events.ts';
import type { ZnodeEventType } from './watch-table.ts';

export class Delivery implements Observer, Pass {
  readonly #parts: Parts;
  readonly #fanOut = new FanOut();
  /** Clients with events that wait. */
  readonly #waiting = new Set<SessionClient>();

  /** Watched paths at which there may be nodes without rows, or above them. */
  #watchesVirtual = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  observe(changes: readonly RowChange[], revision: number): void {
    const acls = this.#aclsBefore(changes);
    const { options, tree, context } = this.#parts;
    for (const { type, namespace, path } of znodeEvents(changes, revision)) {
      if (namespace !== options.namespace) continue;
      // A row that comes or goes where clients see a node without one changes what they see, and no more.
      const stays = (type === 'created' || type === 'deleted') && tree.virtual.place(path) !== undefined && tree.virtual.node(path) !== undefined;
      this.fire(stays ? 'changed' : type, path, revision, acls?.get(path));
    }
    if (this.#watchesVirtual > 0) {
      for (const { type, path } of virtualEvents(changes, context.registry.state, tree.virtual.options)) {
        const hasRow = (type === 'created' || type === 'deleted') && findZnode(context.registry.state, options.namespace, path) !== undefined;
        if (!hasRow) this.fire(type, path, revision);
      }
    }
    for (const { before, after } of changes) this.#followSession(before, after);
  }

  /** A path begins to be watched, or is not watched any more. */
  follow(path: string, isFollowed: boolean): void {
    if (this.#parts.tree.virtual.reaches(path)) this.#watchesVirtual += isFollowed ? 1 : -1;
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    const { revision } = this.#parts.context.registry.state;
    for (const change of changes) {
      this.observe([change], revision);
      yield;
    }
  }

  /** @param acl of a znode that is gone */
  fire(type: ZnodeEventType, path: string, revision: number, before?: readonly Acl[]): void {
    const { watches, options, context } = this.#parts;
    const clients = watches.fire(path, type);
    if (clients.length === 0) return;
    const event = encodeNotification(revision, eventTypeOf[type], path);
    const acl = type === 'deleted' ? (before ?? openAcl) : aclOf(context.registry.state, options.namespace, path);
    for (const client of clients) if (maySee(this.#parts, client, path, acl)) client.notify(event);
  }

  /** A client has events that wait. */
  readonly wait = (client: SessionClient): void => {
    this.#waiting.add(client);
    this.#fanOut.schedule(this);
  };

  advance(budget: number): number {
    for (const client of this.#waiting) {
      this.#waiting.delete(client);
      client.deliver();
      if (--budget < 0) break;
    }
    return budget;
  }

  /** ACLs of znodes that the transaction has removed or changed: a client that may not read a znode does not hear of its end. */
  #aclsBefore(changes: readonly RowChange[]): Map<string, readonly Acl[]> | undefined {
    let acls: Map<string, readonly Acl[]> | undefined;
    for (const { before } of changes) {
      if (isOf<ZnodeAclRow>(before, 'znode-acl')) (acls ??= new Map()).set(before.path, before.acl);
    }
    return acls;
  }

  #followSession(before: unknown, after: unknown): void {
    const row = after ?? before;
    if (!isOf<SessionRow>(row as never, 'session')) return;
    this.#parts.sessions.changed(before as SessionRow | undefined, after as SessionRow | undefined);
  }
}
