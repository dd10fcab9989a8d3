/**
 * The frames of the native stream: one JSON object per WebSocket text message.
 *
 * A client sends requests, each with an `id` of its own choice, and gets exactly one reply with
 * that `id`. The registry pushes frames without an `id`; a push names the view that it is about and
 * nothing of its receiver, so that the same bytes serve every subscriber. Checking what arrives is
 * `frame-request.ts` and `frame-reply.ts`; what the frames do is documented in the server's
 * `frontend/stream/README.md`.
 */

import type { CheckStatus } from './check.ts';
import type { ErrorCode } from './errors.ts';
import type { Instance } from './instance.ts';
import type { InstanceRegistration } from './registration.ts';

/** Version of this protocol; a registry refuses every other. */
export const streamProtocol = 1;

/** Path of the WebSocket on the registry's HTTP listener. */
export const streamPath = '/rollcall/v1/stream';

export const frameLimits = {
  /** Largest frame of a client, in bytes; a registry may be set to take more. */
  frameBytesMax: 1_048_576,
  /** Names of services, instances, nodes, checks, clients; in UTF-16 code units. */
  nameMax: 255,
  /** A KV key or prefix, in UTF-16 code units; the registry's limit in bytes is 1,800 with its own prefix. */
  keyMax: 1_700,
  tagsMax: 512,
  /** Proxies keep whole header policies in tags. */
  tagMax: 65_536,
  metaMax: 64,
  metaKeyMax: 128,
  metaValueMax: 512,
  checksMax: 16,
  portsMax: 16,
  textMax: 4_096,
  /** Views in one `watch` or `unwatch`, instances in one `register`, `deregister` or `drain`. */
  listMax: 1_000,
  /** Largest snapshot of one view, in bytes; more than this cannot be watched or read at once. */
  snapshotBytesMax: 33_554_432,
} as const;

export type FrameViewKind = 'service' | 'services' | 'key' | 'prefix';

/** A view that can be watched or read; `name` is empty for `services`. */
export interface FrameView {
  readonly kind: FrameViewKind;
  /** Absent: `default`, whatever the namespace of the session is. Pushes name the same one. */
  readonly namespace?: string;
  readonly name: string;
}

/** A view to watch, and what the client already has of it. */
export interface WatchedView extends FrameView {
  /** Revision of the content that the client holds; absent when it holds none. */
  readonly revision?: number;
}

/** Proof of being the same client process as before. */
export interface SessionKey {
  /** A UUID, which every caller may see. */
  readonly id: string;
  /** 32 to 128 letters, digits and dashes from a secure source; seen by the registry only. */
  readonly token: string;
}

/** Must be the first frame, and only that. Resumes the session when the registry still has it. */
export interface HelloFrame {
  readonly type: 'hello';
  readonly id: number;
  readonly protocol: number;
  /** Name of the client, for people: shown as the session's name. */
  readonly client: string;
  /** Node that the client's instances live on; absent: derived from the client's address. */
  readonly node?: string;
  /** Absent: this client never registers anything. */
  readonly session?: SessionKey;
  /** How long the session shall outlive its stream: 1,000 to 300,000 ms, 10,000 by default. */
  readonly graceMs?: number;
  /**
   * Namespace of everything that the client registers, of its keys and of its session; absent: `default`. A client of
   * another namespace sends nothing else before the welcome has confirmed it: older registries do not know this field.
   */
  readonly namespace?: string;
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

/** Reads a view once; answered by a snapshot. */
export interface GetFrame {
  readonly type: 'get';
  readonly id: number;
  readonly view: FrameView;
}

export interface KvPutFrame {
  readonly type: 'kv-put';
  readonly id: number;
  readonly key: string;
  /** Base64 (RFC 4648 §4), padded. */
  readonly value: string;
  /** An unsigned 64-bit number in decimal digits. */
  readonly flags?: string;
  /** Write only if the key stands at this revision; 0: only if it does not exist. */
  readonly cas?: number;
}

export interface KvDeleteFrame {
  readonly type: 'kv-delete';
  readonly id: number;
  readonly key: string;
  /** Delete only if the key stands at this revision. */
  readonly cas?: number;
  /** Delete every key that begins with `key`; not together with `cas`. */
  readonly recurse?: boolean;
}

/**
 * Asks for a number that no other session has in that pool: the smallest that is free, from 0. It is held
 * as long as the session lives; asking again gives the same one.
 */
export interface LeaseFrame {
  readonly type: 'lease';
  readonly id: number;
  /** Name of a service, as in `InstanceRegistration`; the pool is that of its callers. */
  readonly pool: string;
  /** Namespace of the service; absent: `default`. */
  readonly namespace?: string;
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

/** What a view consists of: instances, service entries, or KV entries. */
export type FrameItem = Instance | ServiceEntry | KvItem;

/** Names an item of a view: `[node, id]` of an instance, else the service or key. */
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
  /** How long a session outlives its stream, in milliseconds. */
  readonly graceMs: number;
  /** Pause between two pings; a client that hears nothing for 2.5 times as long should leave. */
  readonly pingMs: number;
  /** That of the hello. Absent: the registry knows no namespaces, and everything is in `default`. */
  readonly namespace?: string;
}

/** The answer to everything that has no content to return. */
export interface DoneFrame {
  readonly type: 'done';
  readonly id: number;
  /** False when a `cas` did not hold, or when there was nothing to remove. */
  readonly applied: boolean;
}

/** The answer to `lease`. */
export interface LeasedFrame {
  readonly type: 'leased';
  readonly id: number;
  readonly ordinal: number;
}

/** The answer to `watch`: where each view stands, in the order asked; a newer one follows as a push. */
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
   * The reader may not read everything that such a view can have, and what it may not is left out. The
   * revision cannot be compared with that of another snapshot: a watch begins without one.
   */
  readonly partial?: true;
  /** In no particular order. */
  readonly items: readonly FrameItem[];
}

/** What changed in a view since `from`; for those who hold the content of exactly that revision. */
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

/** The session of this client was ended; the client must register again what it still wants. */
export interface SessionLostFrame {
  readonly type: 'session-lost';
}

/** The registry is about to close the stream on purpose. */
export interface GoElsewhereFrame {
  readonly type: 'go-elsewhere';
  /** URLs of other servers; empty when this one knows none. */
  readonly servers: readonly string[];
}

/** A request was refused; without `id` when the frame was too broken to tell which. */
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
  | WatchingFrame
  | SnapshotFrame
  | DeltaFrame
  | WatchEndedFrame
  | SessionLostFrame
  | GoElsewhereFrame
  | ErrorFrame;

/** What checking a frame gives: the frame, or why it is none. */
export type Checked<F> =
  | { readonly ok: true; readonly frame: F }
  /** `id` is that of the request, where it can be told. */
  | { readonly ok: false; readonly id?: number; readonly message: string };
