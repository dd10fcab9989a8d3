/** Decides the commands about webhooks. */

import { RegistryError, webhookEvents } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { webhookLimits as limits, type WebhookAdvance, type WebhookDelete, type WebhookSet } from './commands.ts';
import { findProgress, findEvent, findWebhook } from './find.ts';
import { webhookEventKey, webhookKey } from './keys.ts';
import type { WebhookEventRow, WebhookProgressRow, WebhookRow } from './rows.ts';

/** @throws RegistryError `invalid_argument` with the field that is wrong; it never quotes the secret */
export function setWebhook(draft: Draft, command: WebhookSet): boolean {
  const { namespace, name, url, events, services, forMs = limits.forMsDefault, disabled } = command;
  const secret = command.secret ?? findWebhook(draft, namespace, name)?.secret;
  if (!/^[\w.-]{1,64}$/.test(name)) throw wrong(`the name ${JSON.stringify(name.slice(0, 80))} is not 1 to ${limits.nameMax} letters, digits, ".", "_" and "-"`);
  checkUrl(url);
  checkSecret(secret);
  const unknown = events.find((event) => !webhookEvents.includes(event));
  if (unknown !== undefined) throw wrong(`there is no event ${JSON.stringify(unknown.slice(0, 80))}; there are ${webhookEvents.join(', ')}`);
  if (events.length === 0 || new Set(events).size < events.length) throw wrong('events must name one event or more, each once');
  if (services !== undefined) checkServices(services);
  if (!Number.isInteger(forMs) || forMs < 0 || forMs > limits.forMsMax) throw wrong(`forMs is ${forMs}, it must be a whole number from 0 to ${limits.forMsMax}`);
  draft.put<WebhookRow>({
    ...{ kind: 'webhook', namespace, name, url, secret: secret as string, events, forMs, created: 0, modified: 0 },
    ...(services === undefined ? {} : { services }),
    ...(disabled === true ? { disabled } : {}),
  });
  return true;
}

export function deleteWebhook(draft: Draft, { namespace, name }: WebhookDelete): boolean {
  if (findWebhook(draft, namespace, name) === undefined) return false;
  draft.delete(webhookKey(namespace, name));
  return true;
}

export function advanceWebhook(draft: Draft, { namespace, name, hook, after, upTo, add, remove, waiting, dropped, success, failure, gap }: WebhookAdvance): boolean {
  if (findWebhook(draft, namespace, name)?.created !== hook) return false;
  const known = findProgress(draft, namespace, name);
  const before = known?.hook === hook ? known : undefined;
  if ((before?.writes ?? 0) !== after) return false;
  let next = before?.next ?? 1;
  for (const event of add) {
    if (findEvent(draft, namespace, name, event.id) !== undefined) continue;
    draft.put<WebhookEventRow>({ kind: 'webhook-event', namespace, name, hook, order: next++, ...event, created: 0, modified: 0 });
  }
  for (const id of remove) if (findEvent(draft, namespace, name, id) !== undefined) draft.delete(webhookEventKey(namespace, name, id));
  const last = { success: success ?? before?.success, failure: failure ?? before?.failure, gap: gap ?? before?.gap };
  draft.put<WebhookProgressRow>({
    ...{ kind: 'webhook-progress', namespace, name, hook, upTo, writes: after + 1, next, waiting, dropped: (before?.dropped ?? 0) + dropped, created: 0, modified: 0 },
    ...(last.success === undefined ? {} : { success: last.success }),
    ...(last.failure === undefined ? {} : { failure: last.failure }),
    ...(last.gap === undefined ? {} : { gap: last.gap }),
  });
  return true;
}

/** A user name and password in it would be shown to each operator. */
function checkUrl(text: string): void {
  const url = text.length <= limits.urlMax && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrong(`url must be an http or https URL of at most ${limits.urlMax} characters`);
  if (url.username !== '' || url.password !== '') throw wrong('url has a user name or a password; receivers check the signature instead');
}

function checkSecret(secret: string | undefined): void {
  if (secret === undefined) throw wrong('a new webhook needs a secret: whsec_ and 24 to 64 random bytes in base64');
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? '';
  const bytes = Math.floor((key.replace(/=+$/, '').length * 3) / 4);
  if (bytes < limits.secretBytesMin || bytes > limits.secretBytesMax) {
    throw wrong(`secret must be whsec_ and ${limits.secretBytesMin} to ${limits.secretBytesMax} random bytes in base64`);
  }
}

function checkServices(services: readonly string[]): void {
  if (services.length === 0 || services.length > limits.servicesMax) throw wrong(`services has ${services.length} entries, it must have 1 to ${limits.servicesMax}; leave it out for all services`);
  for (const each of services) {
    if (!/^[^*\p{Cc}]{0,255}\*?$/u.test(each) || each === '') throw wrong(`services has ${JSON.stringify(each.slice(0, 80))}, which is neither a name nor the beginning of one with "*" at its end`);
  }
}

function wrong(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
