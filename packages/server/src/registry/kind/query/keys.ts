/** Record keys, buckets and heads of prepared queries. */

export const queryKey = (namespace: string, id: string) => `query\0${namespace}\0${id}`;

export const queryBuckets = {
  all: (namespace: string) => `queries\0${namespace}`,
} as const;

/** Head of all queries of a namespace, whose names must differ. */
export const queriesHead = (namespace: string) => `queries\0${namespace}`;
