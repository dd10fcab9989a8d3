/** What is sent, and which webhooks want it. Pure. */

import type { WebhookEventType } from '@rollcall/protocol';
import type { WebhookRow } from '../registry/kind/webhook/rows.ts';

export interface WebhookEvent {
  readonly type: WebhookEventType;
  readonly namespace: string;
  /** The service or the app that it is about; undefined: of none. */
  readonly service: string | undefined;
  /** Tells it from other events, on every process alike. */
  readonly about: string;
  /** When it happened, in milliseconds since the Unix epoch; absent: now. */
  readonly atMs?: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export function wants(hook: WebhookRow, { type, namespace, service }: Pick<WebhookEvent, 'type' | 'namespace' | 'service'>): boolean {
  return hook.disabled !== true && hook.namespace === namespace && hook.events.includes(type) && (service === undefined || isMeant(hook, service));
}

function isMeant({ services }: WebhookRow, service: string): boolean {
  return services?.some((each) => (each.endsWith('*') ? service.startsWith(each.slice(0, -1)) : service === each)) ?? true;
}
