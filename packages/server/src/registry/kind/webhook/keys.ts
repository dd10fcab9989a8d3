/** Record keys and buckets of webhooks. */

export const webhookKey = (namespace: string, name: string) => `webhook\0${namespace}\0${name}`;

export const webhookProgressKey = (namespace: string, name: string) => `webhook-progress\0${namespace}\0${name}`;
export const webhookEventKey = (namespace: string, name: string, id: string) => `webhook-event\0${namespace}\0${name}\0${id}`;

export const webhookBuckets = {
  every: () => 'webhooks',
  all: (namespace: string) => `webhooks\0${namespace}`,
  /** Progress of webhooks whose newest try has failed. */
  failing: (namespace: string) => `webhooks-failing\0${namespace}`,
  events: (namespace: string, name: string) => `webhook-events\0${namespace}\0${name}`,
} as const;
