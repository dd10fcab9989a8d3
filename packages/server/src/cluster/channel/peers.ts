/**
 * The nodes that this one is connected to, by id: those that connected to it, and those that it connected to. There is one
 * connection for a pair of nodes: a second one is only used when both connect to each other at the same time.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import type { BeatAnswer, BeatBatch } from './beat-body.ts';
import type { PeerHello } from './hello.ts';
import { Link } from './link.ts';
import type { Methods, Peer } from './peer.ts';
import { sendBeats } from './serve-beats.ts';

export interface PeersOptions {
  /** The identity of this node. */
  readonly hello: () => PeerHello;
  /** The cluster key. */
  readonly secret: () => string;
  /** What a node may ask of this one. @param from the node; known once it has said hello */
  readonly methods: (from: () => string) => Methods;
  /** PEM, as for `connect`. */
  readonly ca?: string | undefined;
  /** Throws a RegistryError when the cluster key must not be sent to this URL. */
  readonly assertAllowed: (url: string) => void;
  /** Called once for each address of a node that `assertAllowed` refuses. */
  readonly onRefused: (to: NodeAddress, error: RegistryError) => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Where another node is. */
export interface NodeAddress {
  readonly nodeId: string;
  /** URL of its HTTP listener. */
  readonly address: string;
}

/** How long beats wait for a connection that is being opened: much less than the shortest TTL of a check. */
const openingMs = 500;

/** Nodes that this one connects to. */
const linksMax = 256;

export class Peers {
  readonly #options: PeersOptions;
  /** Nodes that connected to this one. */
  readonly #admitted = new Map<string, Peer>();
  /** Those of them that are workers of this machine. */
  readonly #workers = new Map<string, Peer>();
  readonly #links = new Map<string, { readonly address: string; readonly link: Link }>();
  /** Addresses that this node does not connect to, by node id; each was reported. */
  readonly #refused = new Map<string, string>();

  /** The node that this one follows, if any; its link is not closed here. */
  #primary: { readonly nodeId: () => string; readonly link: Link } | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Nodes that this one has connected to, or tries to. */
  get linked(): number {
    return this.#links.size;
  }

  /** The nodes that are connected to this one, by id. */
  get admitted(): ReadonlyMap<string, Peer> {
    return this.#admitted;
  }

  /** The workers of this machine, by the ids of their members. */
  get workers(): ReadonlyMap<string, Peer> {
    return this.#workers;
  }

  /** Tells that this node follows another one: one connection serves both purposes. @param nodeId its id, when it is known */
  use(nodeId: () => string, link: Link): void {
    this.#primary = { nodeId, link };
  }

  /** A node has connected to this one; its newest connection counts. @returns ends it */
  admit({ nodeId, worker = false }: PeerHello, peer: Peer): () => void {
    const maps = worker ? [this.#admitted, this.#workers] : [this.#admitted];
    for (const map of maps) map.set(nodeId, peer);
    return () => {
      for (const map of maps) if (map.get(nodeId) === peer) map.delete(nodeId);
    };
  }

  /**
   * Sends heartbeats to the node that owns them; connects to it first if it must.
   * @throws RegistryError `unavailable` while there is no connection; as `assertAllowed` when the cluster key must not be sent to its address
   */
  async deliver(to: NodeAddress, batch: BeatBatch): Promise<readonly BeatAnswer[]> {
    return sendBeats(await this.#connectedTo(to), batch);
  }

  /** Asks a node; connects to it first if it must. @throws RegistryError as `deliver`, and what the node answers */
  async call(to: NodeAddress, method: string, body: Buffer): Promise<Buffer> {
    return (await this.#connectedTo(to)).call(method, body);
  }

  async #connectedTo(to: NodeAddress): Promise<Peer | Link> {
    const connected = this.#primary?.nodeId() === to.nodeId ? this.#primary.link : this.#admitted.get(to.nodeId);
    if (connected !== undefined) return connected;
    const link = await this.#linkTo(to);
    await this.#opened(link);
    return link;
  }

  /** Waits a little for a connection that is being opened. */
  async #opened(link: Link): Promise<void> {
    const late = new AbortController();
    const cancel = this.#options.clock.timer(openingMs, () => late.abort());
    await link.connected(late.signal);
    cancel();
  }

  /** Closes the connections that this node made to all others than these: they are no members any more. */
  keep(nodeIds: ReadonlySet<string>): void {
    for (const nodeId of this.#links.keys()) if (!nodeIds.has(nodeId)) void this.#forget(nodeId);
    for (const nodeId of this.#refused.keys()) if (!nodeIds.has(nodeId)) this.#refused.delete(nodeId);
  }

  async #forget(nodeId: string): Promise<void> {
    const known = this.#links.get(nodeId);
    this.#links.delete(nodeId);
    await known?.link.close();
  }

  async close(): Promise<void> {
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map(({ link }) => link.close()));
  }

  #assertAllowed(to: NodeAddress): void {
    try {
      this.#options.assertAllowed(to.address);
    } catch (error) {
      const isNew = this.#refused.get(to.nodeId) !== to.address;
      this.#refused.set(to.nodeId, to.address);
      if (isNew) this.#options.onRefused(to, toRegistryError(error));
      throw error;
    }
  }

  async #linkTo({ nodeId, address }: NodeAddress): Promise<Link> {
    const known = this.#links.get(nodeId);
    if (known?.address === address) return known.link;
    await this.#forget(nodeId);
    this.#assertAllowed({ nodeId, address });
    if (this.#links.size >= linksMax) {
      throw new RegistryError('resource_exhausted', `this node is connected to ${linksMax} others, which is the limit`);
    }
    const { hello, secret, methods, ca, clock, random } = this.#options;
    const ownMethods = methods(() => nodeId);
    const link = new Link({ url: address, secret, ca, clock, random, hello, methods: () => ownMethods });
    this.#links.set(nodeId, { address, link });
    link.start();
    return link;
  }
}
