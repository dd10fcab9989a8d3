/** Record keys, buckets and heads of sessions. */

export const sessionKey = (namespace: string, id: string) => `session\0${namespace}\0${id}`;

export const sessionBuckets = {
  all: (namespace: string) => `sessions\0${namespace}`,
  onNode: (namespace: string, node: string) => `sessions-on\0${namespace}\0${node}`,
  /** Sessions of any namespace that end when the check fails or is removed. @param namespace of the check */
  withCheck: (namespace: string, node: string, check: string) => `sessions-with\0${namespace}\0${node}\0${check}`,
  /** Rows of any kind that a session holds: keys that it has locked, instances that it vouches for, and others. */
  held: (namespace: string, session: string) => `held\0${namespace}\0${session}`,
} as const;

/** Head of the rows that a session holds. */
export const sessionHead = (namespace: string, id: string) => `session\0${namespace}\0${id}`;
