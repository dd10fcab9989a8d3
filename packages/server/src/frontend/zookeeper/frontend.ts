/**
 * The front end for ZooKeeper's clients: its listener, its connections, and what they share. Requests are in `requests/`, connections in
 * `connection/`, watches in `watches/`.
 */

import type { Socket } from 'node:net';
import { inTurns } from '../../in-turns.ts';
import type { Context, Frontend, Listener, Opening } from '../../net/frontend.ts';
import type { ListenAddress } from '../../net/listen-address.ts';
import { moveAll, moveWhenStale } from '../../net/moving.ts';
import { listenTcp } from '../../net/tcp-listener.ts';
import { Turns } from '../../net/turns.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import { connectedClient } from './connected.ts';
import { Connection } from './connection/connection.ts';
import type { Client } from './connection/client.ts';
import { FourLetterWords } from './four-letter-words.ts';
import { closeGraceMs } from './limits.ts';
import { settled, type ZookeeperOptions } from './options.ts';
import type { Parts } from './requests/request.ts';
import { accessOf } from './requests/table.ts';
import { Sessions } from './sessions.ts';
import { Statistics } from './statistics.ts';
import { Tree } from './tree.ts';
import { VirtualTree } from './virtual/virtual-tree.ts';
import { Delivery } from './watches/delivery.ts';
import { WatchTable } from './watches/watch-table.ts';

/** @throws RegistryError `failed_precondition` if a request declares no access */
export function zookeeper(context: Context, options: ZookeeperOptions = {}): Frontend {
  return new ZookeeperFrontend(context, options);
}

class ZookeeperFrontend implements Frontend {
  readonly name = 'zookeeper';
  readonly #parts: Parts;
  readonly #delivery: Delivery;
  readonly #connections = new Set<Connection>();
  /** Those that have a session. */
  readonly #clients = new Set<Client>();
  readonly #stopObserving: () => void;
  readonly #stopMoving: () => void;
  readonly #words: FourLetterWords;
  #port = 0;
  #isClosing = false;

  constructor(context: Context, given: ZookeeperOptions) {
    assertAccessDeclared('zookeeper', accessOf);
    const options = settled(given);
    const tree = new Tree(context.registry, options, new VirtualTree(context.registry, options));
    const sessions = new Sessions({ context, options });
    this.#parts = { context, options, sessions, tree, watches: new WatchTable({ onFollow: (path, isFollowed) => this.#delivery.follow(path, isFollowed) }), turns: new Turns(), statistics: new Statistics() };
    this.#delivery = new Delivery(this.#parts);
    this.#words = new FourLetterWords({ parts: this.#parts, connections: this.#connections, port: () => this.#port });
    this.#stopObserving = context.registry.observe(this.#delivery);
    this.#stopMoving = moveWhenStale(this.#clients, context);
    context.clients.add(() => Array.from(this.#clients, (client) => connectedClient(client, this.#parts)));
    const { metrics } = context;
    metrics.observe('rollcall_zookeeper_connections', 'Open connections of ZooKeeper clients', () => this.#connections.size);
    metrics.observe('rollcall_zookeeper_sessions', 'Sessions of ZooKeeper clients that are connected to this node', () => sessions.size);
    metrics.observe('rollcall_zookeeper_watches', 'Paths that ZooKeeper clients watch, each counted for each client', () => this.#parts.watches.size);
  }

  async listen(address: ListenAddress, opening: Opening): Promise<Listener> {
    const { limits } = this.#parts.context;
    const listener = await listenTcp({ address, opening, accept: (socket) => this.#accept(socket), what: "ZooKeeper's clients", handshakeMs: limits.headersMsMax });
    this.#port = listener.port;
    return {
      port: listener.port,
      close: async (answerWaiting) => {
        const closed = listener.stop();
        await answerWaiting();
        const cancel = this.#parts.context.clock.timer(closeGraceMs, () => {
          for (const connection of this.#connections) connection.destroy();
        });
        await closed;
        cancel();
      },
    };
  }

  drain(): Promise<void> {
    this.#isClosing = true;
    return moveAll(this.#clients, this.#parts.context);
  }

  /** Sessions outlive the server: their clients go on at another node, or here after a restart. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stopMoving();
    this.#stopObserving();
    for (const connection of [...this.#connections]) connection.dismiss();
    await this.#parts.turns.idle();
  }

  #accept(socket: Socket): void {
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    const connection = new Connection({
      ...{ parts: this.#parts, socket, onEvents: this.#delivery.wait },
      words: (word) => this.#words.answer(word),
      onClient: (client) => this.#clients.add(client),
      onEnd: (ended) => this.#ended(ended),
    });
    this.#connections.add(connection);
  }

  #ended(connection: Connection): void {
    this.#connections.delete(connection);
    const { client } = connection;
    if (client === undefined) return;
    this.#clients.delete(client);
    void inTurns(this.#parts.watches.removeAll(client));
  }
}
