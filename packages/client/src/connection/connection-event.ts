/** Events of the connection, for logs and metrics of the program. */

import type { ErrorCode } from '@rollcall/protocol';

export type ConnectionEvent =
  | { readonly kind: 'connected'; readonly server: string; readonly resumed: boolean }
  /** From here on, lists are stale; the client connects again by itself. */
  | { readonly kind: 'disconnected'; readonly server: string; readonly reason: string }
  /**
   * The server does not follow its store: lists are stale, although it is connected.
   * @property staleMs milliseconds since the server was last known to show what is in the store
   */
  | { readonly kind: 'stale'; readonly server: string; readonly staleMs: number }
  /** The server follows its store again. */
  | { readonly kind: 'current'; readonly server: string }
  /** An attempt to connect failed; the next one comes by itself. */
  | { readonly kind: 'unreachable'; readonly server: string; readonly reason: string }
  /** The server refuses this client's token, or its files cannot be read; reported once, tried again automatically. */
  | { readonly kind: 'refused'; readonly server: string; readonly code: ErrorCode; readonly reason: string }
  /** A registry has an instance that was registered here; told again after a registry had lost it. */
  | { readonly kind: 'registered'; readonly id: string; readonly service: string }
  /** An instance is not registered: refused, or no registry was reachable for a while. Tried again automatically. */
  | { readonly kind: 'not-registered'; readonly id: string; readonly service: string; readonly code: ErrorCode; readonly reason: string }
  /** A fault that the client tolerates. */
  | { readonly kind: 'warning'; readonly message: string };
