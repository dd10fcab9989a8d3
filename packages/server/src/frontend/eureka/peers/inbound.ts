/**
 * Takes in what peers tell: batches of changes from their requests, and instances of their lists. Each change goes through the same
 * writes as a client's request, marked as replicated. Changes of one instance are done in order, those of different ones at the same time.
 */

import { toRegistryError, type ErrorCode } from '@rollcall/protocol';
import { InstanceError } from '../wire/read-instance.ts';
import type { EurekaStatus, InstanceInfo } from '../wire/instance-info.ts';
import type { Writer, Writes } from '../writes.ts';
import type { Message, MessageAnswer } from './messages.ts';
import type { InstanceName } from './news.ts';

export interface InboundOptions {
  readonly writes: Writes;
  /** How an error is answered. */
  readonly statusOfCode: Readonly<Record<ErrorCode, number>>;
}

/** Who writes when a list of a peer is taken over. */
const own: Writer = { principal: 'a Eureka peer', replicated: true, authorize: () => {} };

export class Inbound {
  readonly #options: InboundOptions;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /**
   * @param writer who sent the batch, marked as replicated
   * @returns an answer to each change; one that is refused does not keep back the others
   */
  async batch(messages: readonly (Message | InstanceError)[], writer: Writer): Promise<readonly MessageAnswer[]> {
    const last = new Map<string, Promise<unknown>>();
    return Promise.all(
      messages.map((message): Promise<MessageAnswer> => {
        if (message instanceof InstanceError) return Promise.resolve({ status: 400 });
        const name = `${message.app.toUpperCase()}\0${message.id}`;
        const before = last.get(name);
        const done = before === undefined ? this.#answer(message, writer) : before.then(() => this.#answer(message, writer));
        last.set(name, done);
        return done;
      }),
    );
  }

  /** Takes over an instance of a peer. @throws RegistryError as `Registry.submit` */
  async adopt(info: InstanceInfo): Promise<void> {
    await this.#options.writes.register(info, own);
    await this.override({ app: info.app, id: info.instanceId }, info.overriddenStatus);
  }

  /** Takes over an override; `UNKNOWN` changes nothing. */
  async override({ app, id }: InstanceName, status: EurekaStatus): Promise<void> {
    if (status !== 'UNKNOWN') await this.#options.writes.setStatus(app, id, status, own);
  }

  async #answer(message: Message, writer: Writer): Promise<MessageAnswer> {
    try {
      return await this.#take(message, writer);
    } catch (error) {
      if (error instanceof InstanceError) return { status: 400 };
      return { status: this.#options.statusOfCode[toRegistryError(error).code] };
    }
  }

  async #take({ action, app, id, status, overriddenStatus, lastDirtyTimestamp, info }: Message, writer: Writer): Promise<MessageAnswer> {
    const { writes } = this.#options;
    const answer = (found: boolean) => ({ status: found ? 200 : 404 });
    switch (action) {
      case 'Register':
        if (info !== undefined) await writes.register(info, writer);
        return { status: 200 };
      case 'Heartbeat': {
        const renewal = await writes.renew(app, id, lastDirtyTimestamp, writer);
        if (renewal === 'renewed') return { status: 200 };
        if (renewal !== 'unknown') return { status: 409, info: renewal.newer };
        // The peer has a newer instance, and will register it; its override is known already.
        if (overriddenStatus !== undefined && overriddenStatus !== 'UNKNOWN') await writes.setStatus(app, id, overriddenStatus, writer);
        return { status: 404 };
      }
      case 'Cancel':
        return answer(await writes.cancel(app, id, writer));
      case 'StatusUpdate':
        return answer(await writes.setStatus(app, id, status ?? 'UNKNOWN', writer));
      case 'DeleteStatusOverride':
        return answer(await writes.clearStatus(app, id, status, writer));
    }
  }
}
