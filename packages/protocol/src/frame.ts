/**
 * The frames of the native stream: one JSON object per WebSocket text message.
 *
 * A client sends requests, each with an `id` that it chooses, and gets exactly one reply with
 * that `id`. The registry pushes frames without an `id`; a push names its view but not its
 * receiver, so that the same bytes serve every subscriber. `frame-request.ts` and `frame-reply.ts` check
 * received frames; the server's `frontend/stream/README.md` documents the effect of each frame.
 */

import type { CheckStatus } from './check.ts';
import type { ConfigLayer } from './config/layer.ts';
import type { ErrorCode } from './errors.ts';
import type { KvDeleteFrame, KvPutFrame } from './frame-kv.ts';
import type { LockHolder, LockReplyFrame, LockRequestFrame } from './frame-lock.ts';
import type { PickReportFrame } from './frame-picks.ts';
import type { FrameView, ItemView, WatchedView } from './frame-view.ts';
import type { Instance } from './instance.ts';
import type { InstanceRegistration } from './registration.ts';
import type { SessionKey } from './session-key.ts';

/** Version of this protocol; a registry refuses every other. */
export const streamProtocol = 1;

/** Path of the WebSocket on the registry's HTTP listener. */
export const streamPath = '/rollcall/v1/stream';

/**
 * Close code of a client that leaves a server which it finds silent or behind: the client lives, and resumes its session on another
 * connection. A stalled server reads it when it goes on, and does not take the end of the stream for a death.
 */
export const streamLeftCode = 4004;

/** Must be the first frame, and only that. Resumes the session when the registry still has it. */
export interface HelloFrame {
  readonly type: 'hello';
  readonly id: number;
  readonly protocol: number;
  /** Name of the client, for people: shown as the session's name. */
  readonly client: string;
  /** Program and version of the client's library, for people: `@rollcall/client/0.1.0`. */
  readonly version?: string;
  /** Node that the client's instances live on; absent: derived from the client's address. */
  readonly node?: string;
  /** Absent: this client never registers anything. */
  readonly session?: SessionKey;
  /** How long the session outlives its stream: 1,000 to 300,000 ms, 10,000 by default. */
  readonly graceMs?: number;
  /**
   * Namespace of everything that the client registers, of its keys and of its session; absent: `default`. A client of
   * another namespace sends nothing else before the welcome has confirmed it: older registries do not know this field.
   */
  readonly namespace?: string;
  /**
   * The newest revision that the client has seen of a registry, on any node of it. A node that is behind catches up before it
   * answers, or refuses with `unavailable`.
   */
  readonly seen?: SeenRevision;
}

/** A revision together with the store that it is of: revisions of different stores cannot be compared. */
export interface SeenRevision {
  readonly registry: string;
  readonly revision: number;
}

/** Registers or replaces instances, all or none; the open stream vouches for them. */
export interface RegisterFrame {
  readonly type: 'register';
  readonly id: number;
  readonly instances: readonly InstanceRegistration[];
}

/** Removes instances of this session at once. */
export interface DeregisterFrame {
  readonly type: 'deregister';
  readonly id: number;
  readonly instances: readonly string[];
}

/** Marks instances of this session as about to leave; registering them again takes it back. */
export interface DrainFrame {
  readonly type: 'drain';
  readonly id: number;
  readonly instances: readonly string[];
}

/** A heartbeat for a `ttlMs` check. */
export interface BeatFrame {
  readonly type: 'beat';
  readonly id: number;
  readonly instance: string;
  readonly check: string;
  readonly status: CheckStatus;
  readonly output: string;
}

export interface WatchFrame {
  readonly type: 'watch';
  readonly id: number;
  readonly views: readonly WatchedView[];
}

export interface UnwatchFrame {
  readonly type: 'unwatch';
  readonly id: number;
  readonly views: readonly FrameView[];
}

/** Reads a view once; answered by a snapshot. A configuration is watched, or read over HTTP. */
export interface GetFrame {
  readonly type: 'get';
  readonly id: number;
  readonly view: ItemView;
}

/**
 * Asks for the smallest number from 0 that no other session has in the pool. The session holds it
 * as long as it lives; asking again gives the same number.
 */
export interface LeaseFrame {
  readonly type: 'lease';
  readonly id: number;
  /** Name of a service, as in `InstanceRegistration`; the pool is that of its callers. */
  readonly pool: string;
  /** Namespace of the service; absent: `default`. */
  readonly namespace?: string;
}

/** Says what a client does with a configuration that it watches; for operators, and for rollouts. */
export interface ConfigReportFrame {
  readonly type: 'config-report';
  readonly id: number;
  /** As in the view. */
  readonly namespace?: string;
  readonly name: string;
  readonly cluster?: string;
  /** Number of the release of the app's own configuration; 0: of none. */
  readonly release: number;
  /** Whether the program uses it. */
  readonly applied: boolean;
  /** Why not, in at most 1,000 characters. */
  readonly error?: string;
}

/** The client leaves: its instances drain and are removed, its session ends. */
export interface GoodbyeFrame {
  readonly type: 'goodbye';
  readonly id: number;
}

export type RequestFrame =
  | HelloFrame
  | RegisterFrame
  | DeregisterFrame
  | DrainFrame
  | BeatFrame
  | WatchFrame
  | UnwatchFrame
  | GetFrame
  | KvPutFrame
  | KvDeleteFrame
  | LeaseFrame
  | LockRequestFrame
  | ConfigReportFrame
  | PickReportFrame
  | GoodbyeFrame;

export interface ServiceEntry {
  readonly service: string;
  readonly tags: readonly string[];
}

/** A KV entry on the wire. */
export interface KvItem {
  readonly key: string;
  /** Base64 (RFC 4648 §4), padded. */
  readonly value: string;
  /** An unsigned 64-bit number in decimal digits. */
  readonly flags: string;
  /** Revision at which the key last changed; what `cas` compares. */
  readonly revision: number;
  /** The session that holds the key as a lock. */
  readonly session?: string;
}

/** An item of a view: an instance, a service entry, a KV entry, the holder of a lock, or a layer of a configuration. */
export type FrameItem = Instance | ServiceEntry | RouteEntry | KvItem | LockHolder | ConfigLayer;

/** The item of a view `route`: the rules of a service, as its record has them. A newer registry may send words that `checkRoute` refuses. */
export interface RouteEntry {
  readonly service: string;
  readonly route: Readonly<Record<string, unknown>>;
}

/** Names an item of a view: `[node, id]` of an instance, else the service, the key or the contender. */
export type FrameItemKey = string | readonly [node: string, id: string];

/** The answer to `hello`. */
export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly id: number;
  readonly protocol: number;
  /** Identity of the store: revisions of different registries cannot be compared. */
  readonly registry: string;
  readonly server: { readonly name: string; readonly version: string };
  /** Node that this client's instances live on. */
  readonly node: string;
  /** True when the session lived and its instances are still registered. */
  readonly resumed: boolean;
  /** Time that a session outlives its stream, in milliseconds. */
  readonly graceMs: number;
  /** Pause between two pings, in milliseconds; a client that receives nothing for 2.5 times as long should reconnect. */
  readonly pingMs: number;
  /** The namespace of the hello. Absent: the registry is older than namespaces, and everything is in `default`. */
  readonly namespace?: string;
  /** As in `FreshnessFrame`; absent: 0. */
  readonly staleMs?: number;
  /** Pause between two reports of picks, in milliseconds. Absent: the registry is older than they are, and refuses them. */
  readonly pickReportMs?: number;
}

/** The answer to requests that return no content. */
export interface DoneFrame {
  readonly type: 'done';
  readonly id: number;
  /** False when a `cas` did not hold, or when there was nothing to remove. */
  readonly applied: boolean;
  /** Where the node stands, which includes what the request has written; absent from older registries. */
  readonly revision?: number;
}

/** The answer to `lease`. */
export interface LeasedFrame {
  readonly type: 'leased';
  readonly id: number;
  readonly ordinal: number;
}

/** The answer to `watch`: the revision of each view, in the order of the request; newer content follows as a push. */
export interface WatchingFrame {
  readonly type: 'watching';
  readonly id: number;
  readonly revisions: readonly number[];
}

/** The whole content of a view, as the answer to `get` (with `id`) or as a push (without). */
export interface SnapshotFrame {
  readonly type: 'snapshot';
  readonly id?: number;
  readonly view: FrameView;
  readonly revision: number;
  /**
   * True when the reader may not read the whole view; the items that it may not read are left out. The
   * revision cannot be compared with that of another snapshot: a watch begins without one.
   */
  readonly partial?: true;
  /** In any order, but the layers of a configuration in the order in which they count. */
  readonly items: readonly FrameItem[];
}

/** The changes of a view since `from`, for clients that have the content of exactly that revision. */
export interface DeltaFrame {
  readonly type: 'delta';
  readonly view: FrameView;
  readonly from: number;
  readonly revision: number;
  readonly put: readonly FrameItem[];
  readonly remove: readonly FrameItemKey[];
}

/** The registry ended a watch; the client may ask again. */
export interface WatchEndedFrame {
  readonly type: 'watch-ended';
  readonly view: FrameView;
  readonly code: ErrorCode;
  readonly message: string;
}

/** The session of this client was ended; the client must register its instances again. */
export type SessionLostFrame = { readonly type: 'session-lost' };

/** The registry is about to close the stream on purpose. */
export interface GoElsewhereFrame {
  readonly type: 'go-elsewhere';
  /** URLs of other servers; empty when this one knows none. */
  readonly servers: readonly string[];
}

/**
 * The node follows its store no longer, or again. While it does not, its content may be old. Absent from older registries,
 * which say nothing of it.
 */
export interface FreshnessFrame {
  readonly type: 'freshness';
  /** Milliseconds since the node's state was last known to be that of the store, at least 1; 0 when it follows the store. */
  readonly staleMs: number;
}

/** A request was refused; without `id` when the frame has no readable one. */
export interface ErrorFrame {
  readonly type: 'error';
  readonly id?: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export type ReplyFrame =
  | WelcomeFrame
  | DoneFrame
  | LeasedFrame
  | LockReplyFrame
  | WatchingFrame
  | SnapshotFrame
  | DeltaFrame
  | WatchEndedFrame
  | SessionLostFrame
  | GoElsewhereFrame
  | FreshnessFrame
  | ErrorFrame;

/** The result of checking a frame: the frame, or the error. */
export type Checked<F> =
  | { readonly ok: true; readonly frame: F }
  /** `id` is that of the request, if it is readable. */
  | { readonly ok: false; readonly id?: number; readonly message: string };
