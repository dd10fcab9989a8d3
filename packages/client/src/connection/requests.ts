/**
 * Requests under way: from the caller to a link and back, across reconnects.
 *
 *   ask ─► waiting ─► sent ─► answered
 *             ▲          │ the link ends
 *             └──────────┘ if the request may be sent twice; otherwise its outcome is unknown
 *
 * Every request ends at its deadline at the latest.
 */

import { RegistryError, type ReplyFrame, type RequestFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

/** A request without its id, of any type. */
export type Ask = RequestFrame extends infer F ? (F extends RequestFrame ? Omit<F, 'id'> : never) : never;

export interface AskOptions {
  /** May be sent again if the client does not know whether it was answered. */
  readonly repeatable: boolean;
  /** Longest wait for the answer, in milliseconds; `Infinity` for none. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly frame: RequestFrame;
  readonly options: AskOptions;
  readonly resolve: (reply: ReplyFrame) => void;
  readonly reject: (reason: unknown) => void;
  sent: boolean;
}

/** Most requests under way; a program that has more does not wait for its answers. */
export const pendingMax = 10_000;

export const helloId = 1;

export class Requests {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  /** The hello of every link has the first id. */
  #lastId = helloId;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param send sends a frame; undefined while no link is open
   * @throws RegistryError `unavailable` if no registry could be reached in time, `deadline_exceeded` if a
   *   registry was, `unknown_outcome` if the link broke on a request that cannot be repeated,
   *   `resource_exhausted` if too many are under way, or the registry's own error
   */
  ask(ask: Ask, options: AskOptions, send: ((frame: RequestFrame) => void) | undefined): Promise<ReplyFrame> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs } = options;
      if (signal?.aborted === true) throw signal.reason;
      if (this.#pending.size >= pendingMax) {
        throw new RegistryError('resource_exhausted', `${pendingMax} requests are under way; await their answers`);
      }
      const id = ++this.#lastId;
      const ended = (): boolean => {
        stopTimer();
        signal?.removeEventListener('abort', onAbort);
        return this.#pending.delete(id);
      };
      const pending: Pending = {
        frame: { ...ask, id },
        options,
        resolve: (reply) => ended() && resolve(reply),
        reject: (reason) => ended() && reject(reason),
        sent: false,
      };
      const onAbort = () => pending.reject(signal?.reason);
      const stopTimer =
        timeoutMs === Infinity ? () => {} : this.#clock.timer(timeoutMs, () => pending.reject(late(pending)));
      this.#pending.set(id, pending);
      signal?.addEventListener('abort', onAbort);
      if (send !== undefined) this.#send(pending, send);
    });
  }

  /** Sends everything that waits. */
  flush(send: (frame: RequestFrame) => void): void {
    for (const pending of this.#pending.values()) if (!pending.sent) this.#send(pending, send);
  }

  answered(id: number, reply: ReplyFrame): void {
    const pending = this.#pending.get(id);
    if (reply.type === 'error') pending?.reject(new RegistryError(reply.code, reply.message));
    else pending?.resolve(reply);
  }

  /** An answer has arrived and is malformed. */
  garbled(id: number, message: string): void {
    this.#pending.get(id)?.reject(new RegistryError('internal', `the registry's answer is malformed: ${message}`));
  }

  /** No server accepts this client: rejects the waiting callers with the reason. */
  refused(error: RegistryError): void {
    for (const pending of this.#pending.values()) if (!pending.sent) pending.reject(error);
  }

  /** The link has ended: requests that were sent are sent again, or their outcome is unknown. */
  interrupted(reason: string): void {
    for (const pending of this.#pending.values()) {
      if (!pending.sent) continue;
      if (pending.options.repeatable) pending.sent = false;
      else {
        const message = `the connection ended before the answer to ${pending.frame.type}: ${reason}; it may have taken effect`;
        pending.reject(new RegistryError('unknown_outcome', message));
      }
    }
  }

  close(): void {
    for (const { reject } of this.#pending.values()) {
      reject(new RegistryError('cancelled', 'the client is closed'));
    }
  }

  #send(pending: Pending, send: (frame: RequestFrame) => void): void {
    pending.sent = true;
    send(pending.frame);
  }
}

function late({ sent, frame, options }: Pending): RegistryError {
  if (!sent) {
    return new RegistryError('unavailable', `no registry could be reached within ${options.timeoutMs} ms for ${frame.type}`);
  }
  const message = `no answer to ${frame.type} within ${options.timeoutMs} ms`;
  if (options.repeatable) return new RegistryError('deadline_exceeded', message);
  return new RegistryError('unknown_outcome', `${message}; it may have taken effect`);
}
