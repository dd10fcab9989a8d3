/**
 * The port between the registry connection and one server, or what takes its place: frames in and out, and one end. The
 * connection opens one link after the other; `link.ts` has the WebSocket, `gossip/gossip-link.ts` a group without a server.
 */

import type { RegistryError, ReplyFrame, RequestFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Credentials } from './credentials.ts';

/** Why a link has ended. */
export interface LinkEnd {
  readonly reason: string;
  /** The server refuses this client: another attempt needs another token, or time. */
  readonly refusal?: RegistryError;
  /** When the server wants to be asked again, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

export interface LinkOptions {
  readonly server: string;
  /** Whether the client knows other servers, too. */
  readonly hasSpare: boolean;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly onOpen: () => void;
  readonly onFrame: (frame: ReplyFrame) => void;
  /** A frame that this client does not understand; `id` is that of the request, if it answers one. */
  readonly onStrange: (message: string, id: number | undefined) => void;
  /** Called once, also for a link that never opened. */
  readonly onEnd: (end: LinkEnd) => void;
}

export interface RegistryLink {
  readonly server: string;
  send(frame: RequestFrame): void;
  /** How often the server pings, as its welcome said. */
  pinged(everyMs: number): void;
  /**
   * Ends the link now: nothing that was sent before is sure to arrive.
   * @param refusal why this client cannot use the server
   */
  cut(reason: string, refusal?: RegistryError): void;
  /** Ends the link, and tells the server, as soon as it reads, that this client lives and goes elsewhere: no instance is lost. */
  leave(reason: string): void;
}

/** Opens a link. None of the listeners is called before it returns. */
export type OpenLink = (options: LinkOptions) => RegistryLink;
