/**
 * Asks a webhook whether a content may be published. Only a clear yes is one: status 200 with `{"valid": true}`. No answer in time, another
 * status, a redirect or an unreadable body refuse the publication. It connects only where probes may connect.
 *
 *   POST URL   {"namespace", "app", "cluster", "name", "format", "content", "author"}
 *   200        {"valid": false, "message": "replicas must be odd"}
 */

import { RegistryError } from '@rollcall/protocol';
import type { Resolve } from '../outbound/address-policy.ts';
import { httpSender, readAll } from '../outbound/http-request.ts';

/** Enough for a message; the rest is not read. */
const answerBytesMax = 16_384;
const messageMax = 500;

export interface WebhookQuestion {
  readonly namespace: string;
  readonly app: string;
  readonly cluster: string;
  readonly name: string;
  readonly format: string;
  /** With masks in place of secrets. */
  readonly content: string;
  readonly author: string;
}

export interface WebhookOptions {
  readonly resolve: Resolve;
  /** Milliseconds until no answer counts as a refusal. */
  readonly timeoutMs: number;
}

/**
 * @param url http or https, without credentials in it shown in errors
 * @returns why the content must not be published; undefined: it may
 */
export async function askWebhook(url: string, question: WebhookQuestion, { resolve, timeoutMs }: WebhookOptions): Promise<string | undefined> {
  const shown = shownUrl(url);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return judge(await post(url, JSON.stringify(question), resolve, signal), shown);
  } catch (error) {
    const why = signal.aborted ? `gave no answer within ${timeoutMs} ms` : `cannot be asked: ${error instanceof Error ? error.message : String(error)}`;
    return `the webhook ${shown} ${why}; nothing was published`;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function post(text: string, body: string, resolve: Resolve, signal: AbortSignal): Promise<Answer> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new RegistryError('invalid_argument', 'its URL is neither http nor https');
  const headers = { 'content-type': 'application/json', 'user-agent': 'Rollcall-Config-Webhook' };
  const { response, request } = await abortable(httpSender(resolve)({ url, method: 'POST', headers, body }, signal), signal);
  try {
    return { status: response.statusCode ?? 0, body: (await readAll(response, answerBytesMax)).toString('utf8') };
  } finally {
    request.destroy();
  }
}

function judge({ status, body }: Answer, shown: string): string | undefined {
  const answer = status === 200 ? read(body) : undefined;
  if (answer?.valid === true) return undefined;
  if (answer?.valid !== false) return `the webhook ${shown} answered with status ${status} and no {"valid": true or false}; nothing was published`;
  const message = typeof answer.message === 'string' && answer.message !== '' ? `: ${answer.message.slice(0, messageMax)}` : '';
  return `the webhook ${shown} refuses the content${message}`;
}

function read(body: string): { readonly valid?: unknown; readonly message?: unknown } | undefined {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Without credentials and query, which may be secrets. */
function shownUrl(text: string): string {
  if (!URL.canParse(text)) return 'with an unreadable URL';
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((settle, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    promise.then(settle, reject);
  });
}
