/**
 * One node among those of a store: combines membership, ownership and forwarded beats. The only node of a store has none of it
 * (`soleOwner`).
 */

import type { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Presence } from '../engine/presence.ts';
import type { Liveness } from '../health/liveness.ts';
import type { Ownership } from '../health/ownership.ts';
import { membersOf } from '../registry/kind/member/find.ts';
import type { Registry } from '../registry/registry.ts';
import type { Member } from '../registry/kind/member/rows.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { BeatAnswer, BeatBatch } from './channel/beat-body.ts';
import { Membership, type OwnMember } from './membership.ts';
import { SharedOwnership } from './ownership.ts';
import { Receiver } from './receiver.ts';
import { Strays } from './strays.ts';

/** How batches of beats travel to another node. */
export interface Peers {
  /** Rejects when the member cannot be reached. */
  beats(to: Member, batch: BeatBatch): Promise<readonly BeatAnswer[]>;
}

export interface ClusterOptions {
  /** `nodeId` is set when this node has joined. */
  readonly registry: Registry & { nodeId: string | undefined };
  readonly liveness: Pick<Liveness, 'reown' | 'deliver'>;
  readonly presence: Presence;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly nodeId: string;
  /** Another process has joined under the id of this node, which must stop. */
  readonly onReplaced: (error: RegistryError) => void;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #ownership: SharedOwnership;
  readonly #strays: Strays;
  readonly #receiver: Receiver;
  #membership: Membership | undefined;

  constructor(options: ClusterOptions) {
    const { registry, liveness, peers, clock, metrics, nodeId } = options;
    this.#options = options;
    const ownerOf = (key: string) => this.#ownership.ownerOf(key);
    this.#strays = new Strays({
      nodeId,
      clock,
      ownerOf,
      send: (to, batch) => peers.beats(to, batch),
      claim: (keys) => registry.submit({ kind: 'claim', nodeId, epoch: this.epoch, keys }),
      count: (outcome, beats) => metrics.strays.inc({ outcome }, beats),
    });
    this.#ownership = new SharedOwnership({ registry, nodeId, stray: (beat) => this.#strays.take(beat) });
    const deliver: Liveness['deliver'] = (key, status, output, principal) => liveness.deliver(key, status, output, principal);
    this.#receiver = new Receiver({ epoch: () => this.epoch, ownerOf, deliver });
  }

  /** For liveness. This node owns nothing before it has joined. */
  get ownership(): Ownership {
    return this.#ownership;
  }

  /** Epoch of this node's present membership; 0 before it has joined. */
  get epoch(): number {
    return this.#membership?.epoch ?? 0;
  }

  /**
   * Becomes a member; deadlines that this node watches from now on begin in full.
   * @throws RegistryError when the store cannot be reached, or has too many members
   */
  async join(self: Omit<OwnMember, 'nodeId'>): Promise<void> {
    const { registry, liveness, presence, clock, log, nodeId, onReplaced } = this.#options;
    this.#membership = new Membership({
      ...{ registry, presence, clock, log, onReplaced },
      self: { ...self, nodeId },
      onJoined: (epoch) => {
        registry.nodeId = nodeId;
        this.#ownership.joined(epoch);
        liveness.reown();
        log.info({ nodeId, epoch, members: membersOf(registry.state).map(({ name }) => name) }, 'joined the nodes of the store');
      },
    });
    await this.#membership.start();
  }

  /** Takes heartbeats that came to another node. */
  beats(batch: BeatBatch): Promise<readonly BeatAnswer[]> {
    return this.#receiver.deliver(batch);
  }

  /** Gets no new deadlines from now on. */
  async drain(): Promise<void> {
    await this.#membership?.drain();
  }

  /** Leaves the store: other nodes take over its deadlines. Takes some seconds at most. */
  async leave(): Promise<void> {
    await this.#membership?.leave();
    this.#strays.close();
  }
}
