/** Record keys and buckets of routes. */

export const routeKey = (namespace: string, service: string) => `route\0${namespace}\0${service}`;

export const routeBuckets = {
  all: (namespace: string) => `routes\0${namespace}`,
} as const;
