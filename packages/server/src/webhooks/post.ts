/** Sends one message to the URL of a webhook, signed. It follows no redirect, reads no body of an answer, and connects only where the address policy allows. */

import { isRegistryError, type WebhookOutcome } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Send } from '../outbound/http-request.ts';
import type { WebhookRow } from '../registry/kind/webhook/rows.ts';
import type { Message } from './outbox.ts';
import { signature } from './sign.ts';

/** Until a receiver without an answer counts as silent. Standard Webhooks advises 15 to 30 s. */
const answerMs = 15_000;
const errorMax = 200;

/** Never throws. @param closing ends it early */
export async function post({ url, secret }: Pick<WebhookRow, 'url' | 'secret'>, { id, body }: Message, { send, clock, closing }: { readonly send: Send; readonly clock: Clock; readonly closing: AbortSignal }): Promise<WebhookOutcome> {
  const late = new AbortController();
  const end = () => late.abort();
  const cancel = clock.timer(answerMs, end);
  closing.addEventListener('abort', end);
  // A lookup of the host cannot be ended, and must not hold a place in flight.
  const isLate = new Promise<never>((_resolve, reject) => late.signal.addEventListener('abort', () => reject(new Error('it is late'))));
  const seconds = Math.floor(clock.now() / 1_000);
  const headers = {
    ...{ 'content-type': 'application/json', 'user-agent': 'Rollcall-Webhook' },
    ...{ 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature(secret, id, seconds, body) },
  };
  if (closing.aborted) end();
  try {
    const { response, request } = await Promise.race([send({ url: new URL(url), method: 'POST', headers, body }, late.signal), isLate]);
    const status = response.statusCode ?? 0;
    // Nothing more is read; an error of the connection that is thrown away has no meaning.
    response.on('error', () => {});
    request.destroy();
    if (status >= 200 && status < 300) return { delivered: true, status };
    // 410 says that the receiver wants no more of it (Standard Webhooks).
    return { delivered: false, status, error: `the receiver answered with status ${status}`, ...(status === 410 ? { final: true } : {}) };
  } catch (error) {
    if (late.signal.aborted) return { delivered: false, error: `no answer within ${answerMs / 1_000} s` };
    const message = error instanceof Error ? error.message : String(error);
    return { delivered: false, error: message.slice(0, errorMax), ...(isRegistryError(error, 'permission_denied') ? { final: true } : {}) };
  } finally {
    cancel();
    closing.removeEventListener('abort', end);
  }
}
