/** Record keys, buckets and heads of namespaces. */

export const namespaceKey = (name: string) => `namespace\0${name}`;

export const namespaceBuckets = {
  all: () => 'namespaces',
} as const;

export const namespacesHead = () => 'namespaces';
