/** What the front end of other nodes needs besides the shared context. The composition root provides it. */

import type { PeerHello, PeerWelcome } from '../../cluster/channel/hello.ts';
import type { Methods, Peer } from '../../cluster/channel/peer.ts';

export interface PeerDeps {
  /** Why this node takes no others than those with the cluster key; undefined when it does. */
  refusal(): string | undefined;
  /** Compared in constant time. */
  isClusterKey(secret: string): boolean;
  /** The identity of this node. */
  welcome(): PeerWelcome;
  /** What a node may ask. @param from its id; known once it has said hello */
  methods(from: () => string): Methods;
  /** Called when a node has said hello. @returns called when its connection has ended */
  admitted(hello: PeerHello, peer: Peer): () => void;
}
