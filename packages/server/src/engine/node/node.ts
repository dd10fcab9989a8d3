/**
 * The engine of a node that follows another one, the primary: its log is the primary's, and it commits there. Workers of one
 * machine and edge nodes use it. It stores nothing; the connection is `cluster/channel/`.
 *
 *   changes  ◄── log ───── primary      resumes after a revision; starts again if the primary has lost the history since
 *   commit   ─── commit ─► primary      without an answer: unknown outcome; never sent a second time
 */

import { RegistryError } from '@rollcall/protocol';
import { systemClock, type Clock } from '../../clock.ts';
import { BadMessage } from '../../cluster/channel/bytes.ts';
import type { PeerHello } from '../../cluster/channel/hello.ts';
import { Link, type LinkChange } from '../../cluster/channel/link.ts';
import {
  channelLimits,
  decodeResult,
  decodeNumber,
  encodeAfter,
  encodeTransaction,
  EventDecoder,
} from '../../cluster/channel/log-body.ts';
import type { Methods } from '../../cluster/channel/peer.ts';
import { checkTransaction } from '../check-transaction.ts';
import type { CommitResult, Engine, EngineEvent, EngineLimits, Transaction } from '../engine.ts';
import { NodePresence } from './presence.ts';

export interface NodeOptions {
  /** Of the primary's HTTP: `http://127.0.0.1:8500`, `https://primary:8501` or `unix:///run/rollcall.sock`. */
  readonly url: string;
  /** The cluster key or a token; read for each connection. None by default. */
  readonly secret?: () => string | Promise<string>;
  /** Certificates (PEM) of the authorities that have signed the primary's; the well-known ones by default. */
  readonly ca?: string;
  /** Of the package of this node. */
  readonly version: string;
  /** Called when the connection opens, and when it is lost or cannot be opened. */
  readonly onChange?: (change: LinkChange) => void;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** @throws RegistryError when the primary cannot be reached, or refuses this node, as `connect` */
export async function openNode(options: NodeOptions): Promise<NodeEngine> {
  const engine = new NodeEngine(options);
  try {
    await engine.open();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

export class NodeEngine implements Engine {
  readonly name = 'node';
  readonly exclusive = false;
  readonly presence: NodePresence;
  readonly link: Link;
  readonly #stop = new AbortController();
  readonly #commits = new Set<Promise<CommitResult>>();
  #hello: () => PeerHello;
  #methods: Methods = {};
  #limits: EngineLimits = { operations: 0, bytes: 0 };
  #closed: Promise<void> | undefined;

  constructor({ url, secret = () => '', ca, version, onChange, clock = systemClock, random }: NodeOptions) {
    this.#hello = () => ({ nodeId: '', epoch: 0, version, registryId: '' });
    this.link = new Link({ url, secret, ca, clock, random, hello: () => this.#hello(), methods: () => this.#methods, ...(onChange && { onChange }) });
    this.presence = new NodePresence(this.link, this.#stop.signal);
  }

  get limits(): EngineLimits {
    return this.#limits;
  }

  /** Called once. @throws RegistryError as `connect` */
  async open(): Promise<void> {
    const { operations = Infinity, bytes = Infinity } = await this.link.open();
    this.#limits = channelLimits({ operations, bytes });
  }

  /**
   * Sends the identity of this node, which it has read from the store. From now on the primary refuses this node if it is on
   * another store.
   * @param methods what the primary may ask of this node
   */
  async introduce(hello: () => PeerHello, methods: Methods): Promise<void> {
    this.#hello = hello;
    this.#methods = methods;
    await this.link.greet();
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    this.#assertOpen();
    checkTransaction(transaction);
    const sent = this.link.call('commit', encodeTransaction(transaction), { whenLost: 'unknown_outcome' }).then(resultIn);
    this.#commits.add(sent);
    try {
      return await sent;
    } finally {
      this.#commits.delete(sent);
    }
  }

  async *changes({ after, signal }: { readonly after?: number; readonly signal: AbortSignal }): AsyncGenerator<EngineEvent, void, undefined> {
    const stop = AbortSignal.any([signal, this.#stop.signal]);
    // A lost feed continues as soon as the primary is back, without the pause of its reader.
    if (!(await this.link.connected(stop))) return;
    const decoder = new EventDecoder();
    try {
      for await (const part of this.link.stream('log', encodeAfter(after), stop)) {
        const event = decoder.take(part);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (stop.aborted) return;
      throw error instanceof BadMessage ? new RegistryError('unavailable', `the primary's log cannot be read: ${error.message}`) : error;
    }
    if (!stop.aborted) throw new RegistryError('unavailable', 'the primary has ended its log');
  }

  async barrier(): Promise<number> {
    this.#assertOpen();
    return decodeNumber(await this.link.call('barrier', Buffer.of()));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#commits);
    this.#stop.abort();
    await this.presence.released();
    await this.link.close();
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new RegistryError('unavailable', 'the engine is closed');
  }
}

function resultIn(body: Buffer): CommitResult {
  try {
    return decodeResult(body);
  } catch (error) {
    const message = `the primary's answer to a commit cannot be read: ${(error as Error).message}`;
    throw new RegistryError('unknown_outcome', message, { cause: error });
  }
}
