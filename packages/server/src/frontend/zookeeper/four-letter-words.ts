/**
 * Commands of four letters: an operator or a tool connects, sends one, and gets some lines of text, as ZooKeeper prints them
 * (`server/command/*.java`, version 3.9). They need no token, so only those that an option names are answered.
 */

import { RegistryError } from '@rollcall/protocol';
import { allSessions } from '../../registry/kind/session/find.ts';
import { ephemeralsOf } from '../../registry/kind/znode/find.ts';
import type { Connection } from './connection/connection.ts';
import { timeoutMsMax, timeoutMsMin } from './options.ts';
import type { Parts } from './requests/request.ts';
import { isOurs } from './sessions.ts';
import { numberOf, shownNumber } from './session-id.ts';

export interface WordsOptions {
  readonly parts: Parts;
  readonly connections: ReadonlySet<Connection>;
  readonly port: () => number;
}

type Lines = Generator<string, void, undefined>;

/** All that ZooKeeper has. A tool that sends one that is not answered is told. */
const known = ['conf', 'cons', 'crst', 'dirs', 'dump', 'envi', 'gtmk', 'hash', 'isro', 'mntr', 'ruok', 'srst', 'srvr', 'stat', 'stmk', 'wchc', 'wchp', 'wchs'];

export class FourLetterWords {
  readonly #options: WordsOptions;
  readonly #enabled: ReadonlySet<string>;
  readonly #commands: Readonly<Record<string, () => Lines>>;
  readonly #startedMs: number;

  /** @throws RegistryError `invalid_argument` for a command that ZooKeeper does not have */
  constructor(options: WordsOptions) {
    this.#options = options;
    this.#startedMs = options.parts.context.clock.monotonic();
    this.#commands = {
      ruok: () => ruok(),
      isro: () => isro(),
      srvr: () => this.#server(),
      stat: () => this.#stat(),
      mntr: () => this.#monitor(),
      conf: () => this.#configuration(),
      cons: () => this.#connections(),
      envi: () => this.#environment(),
      wchs: () => this.#watchesSummary(),
      wchc: () => this.#watchesByClient(),
      wchp: () => this.#watchesByPath(),
      dump: () => this.#dump(),
      srst: () => this.#resetServer(),
      crst: () => this.#resetConnections(),
    };
    const { fourLetterWords } = options.parts.options;
    const unknown = fourLetterWords.find((word) => word !== '*' && !known.includes(word));
    if (unknown !== undefined) {
      throw new RegistryError('invalid_argument', `ZooKeeper has no command of four letters ${JSON.stringify(unknown.slice(0, 40))}; use ${Object.keys(this.#commands).join(', ')}, or * for all of them`);
    }
    this.#enabled = new Set(fourLetterWords.includes('*') ? known : fourLetterWords);
  }

  /** The text of a command, in pieces; undefined for bytes that are none. */
  answer(word: string): Lines | undefined {
    if (!known.includes(word)) return undefined;
    if (!this.#enabled.has(word)) return refused(word);
    return this.#commands[word]?.() ?? unserved(word);
  }

  *#server(): Lines {
    yield this.#version();
    yield* this.#numbers();
  }

  #version(): string {
    return `Zookeeper version: 3.9.0-rollcall-${this.#options.parts.context.identity.version}\n`;
  }

  *#numbers(): Lines {
    const { parts, connections } = this.#options;
    const { statistics } = parts;
    const { least, mean, most } = statistics.latency;
    yield `Latency min/avg/max: ${least}/${mean}/${most}\nReceived: ${statistics.received}\nSent: ${statistics.sent}\n`;
    yield `Connections: ${connections.size}\nOutstanding: ${this.#outstanding}\nZxid: 0x${parts.tree.zxid.toString(16)}\nMode: ${this.#mode()}\n`;
    yield `Node count: ${yield* this.#nodeCount()}\n`;
  }

  *#stat(): Lines {
    yield `${this.#version()}Clients:\n`;
    for (const connection of this.#options.connections) yield `${connectionLine(connection)})\n`;
    yield '\n';
    yield* this.#numbers();
  }

  *#monitor(): Lines {
    const { parts, connections } = this.#options;
    const { statistics, watches, context } = parts;
    const { least, mean, most } = statistics.latency;
    const nodes = yield* this.#nodeCount();
    const { sessions, ephemerals } = yield* this.#sessionCounts();
    const values: readonly (readonly [string, string | number])[] = [
      ['version', `3.9.0-rollcall-${context.identity.version}`],
      ['server_state', this.#mode()],
      ['uptime', Math.round(context.clock.monotonic() - this.#startedMs)],
      ['avg_latency', mean],
      ['max_latency', most],
      ['min_latency', least],
      ['packets_received', statistics.received],
      ['packets_sent', statistics.sent],
      ['num_alive_connections', connections.size],
      ['outstanding_requests', this.#outstanding],
      ['znode_count', nodes],
      ['watch_count', watches.size],
      ['ephemerals_count', ephemerals],
      // Those that every node of the store knows, as the sessions of an ensemble; a session of one server alone does not exist.
      ['global_sessions', sessions],
      ['local_sessions', 0],
    ];
    for (const [name, value] of values) yield `zk_${name}\t${value}\n`;
  }

  /** Of the store, and the ephemeral znodes that they hold. */
  *#sessionCounts(): Generator<string, { readonly sessions: number; readonly ephemerals: number }, undefined> {
    const { parts } = this.#options;
    const { state } = parts.context.registry;
    const { namespace } = parts.options;
    let sessions = 0;
    let ephemerals = 0;
    for (const { id } of [...allSessions(state, namespace)].filter(isOurs)) {
      sessions++;
      for (const _ of ephemeralsOf(state, namespace, id)) ephemerals++;
      yield '';
    }
    return { sessions, ephemerals };
  }

  *#resetServer(): Lines {
    this.#options.parts.statistics.reset();
    yield 'Server stats reset.\n';
  }

  *#resetConnections(): Lines {
    for (const { client } of this.#options.connections) client?.statistics.reset();
    yield 'Connection stats reset.\n';
  }

  *#configuration(): Lines {
    const { parts, port } = this.#options;
    const { options, context } = parts;
    yield `clientPort=${port()}\ntickTime=${options.tickMs}\nmaxClientCnxns=${context.limits.connectionsPerAddressMax}\n`;
    yield `minSessionTimeout=${timeoutMsMin(options)}\nmaxSessionTimeout=${timeoutMsMax(options)}\nserverId=0\n`;
  }

  *#connections(): Lines {
    for (const connection of this.#options.connections) {
      const { client } = connection;
      let line = connectionLine(connection);
      if (client !== undefined) {
        const { session, statistics } = client;
        const { least, mean, most, last } = statistics.latency;
        line += `,sid=${shownNumber(session.number)},lop=${statistics.lastOperation},est=${client.sinceMs},to=${session.timeoutMs}`;
        line += `,llat=${last},minlat=${least},avglat=${mean},maxlat=${most}`;
      }
      yield `${line})\n`;
    }
    yield '\n';
  }

  *#environment(): Lines {
    const { identity } = this.#options.parts.context;
    yield `Environment:\nzookeeper.version=3.9.0-rollcall-${identity.version}\nhost.name=${identity.nodeName}\n`;
  }

  *#watchesSummary(): Lines {
    const { watchers, paths, size } = this.#options.parts.watches;
    yield `${watchers} connections watching ${paths} paths\nTotal watches:${size}\n`;
  }

  *#watchesByClient(): Lines {
    const { watches } = this.#options.parts;
    for (const { client } of this.#options.connections) {
      if (client === undefined || watches.countOf(client) === 0) continue;
      yield `${shownNumber(client.session.number)}\n`;
      for (const path of watches.pathsOf(client)) yield `\t${path}\n`;
    }
    yield '\n';
  }

  *#watchesByPath(): Lines {
    for (const [path, watchers] of this.#options.parts.watches.all()) {
      yield `${path}\n`;
      for (const { session } of watchers) yield `\t${shownNumber(session.number)}\n`;
    }
    yield '\n';
  }

  *#dump(): Lines {
    const { parts, connections } = this.#options;
    const { state } = parts.context.registry;
    const { namespace } = parts.options;
    const ours = [...allSessions(state, namespace)].filter(isOurs);
    yield `SessionTracker dump:\nSession Sets (${ours.length}):\n`;
    for (const { id } of ours) yield `\t${shownNumber(numberOf(id))}\n`;
    const owners: string[] = [];
    let count = 0;
    for (const { id } of ours) {
      const paths: string[] = [];
      for (const { path } of ephemeralsOf(state, namespace, id)) paths.push(path);
      if (paths.length > 0) {
        count++;
        owners.push(`${shownNumber(numberOf(id))}:\n${paths.map((path) => `\t${path}\n`).join('')}`);
      }
      yield '';
    }
    yield `ephemeral nodes dump:\nSessions with Ephemerals (${count}):\n`;
    yield* owners;
    yield 'Connections dump:\n';
    for (const connection of connections) yield `\tip: /${connection.remote} sessionId: ${shownNumber(connection.client?.session.number ?? 0n)}\n`;
  }

  /** With the root. */
  *#nodeCount(): Generator<string, number, undefined> {
    const steps = this.#options.parts.tree.countBelow('/');
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value + 1;
      yield '';
    }
  }

  /** Requests that wait or are under way. */
  get #outstanding(): number {
    let outstanding = 0;
    for (const { client } of this.#options.connections) outstanding += client?.outstanding ?? 0;
    return outstanding;
  }

  #mode(): string {
    return this.#options.parts.context.registry.isOnlyWriter ? 'standalone' : 'follower';
  }
}

function* ruok(): Lines {
  yield 'imok';
}

function* isro(): Lines {
  yield 'rw';
}

function* refused(word: string): Lines {
  yield `${word} is not executed because it is not in the whitelist.\n`;
}

function* unserved(word: string): Lines {
  yield `${word} is not served: it is about what Rollcall does not have.\n`;
}

/** Without the bracket at its end. */
function connectionLine({ remote, client }: Connection): string {
  return ` /${remote}[${client === undefined ? 0 : 1}](queued=${client?.outstanding ?? 0},recved=${client?.statistics.received ?? 1},sent=${client?.statistics.sent ?? 0}`;
}
