/** Sends the event `test` to a webhook. */

import type { WebhookOutcome } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { lookAgain } from '../../live/polled.ts';

/** @returns what was done, for people @throws Error, ApiError when it was not delivered */
export async function testWebhook(namespace: string, name: string): Promise<string> {
  const { delivered, status, error } = await ask<WebhookOutcome>('POST', `/rollcall/v1/webhooks/test?${String(new URLSearchParams({ name }))}`, undefined, { headers: { 'x-rollcall-namespace': namespace } });
  lookAgain();
  if (!delivered) throw new Error(`${name} got nothing: ${error}`);
  return `${name} has got the event test, and answered with status ${status}.`;
}
