/**
 * Names of the views of the key/value store.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `key <namespace> <key>` | one key | the row's, else the tombstone's |
 * | `prefix <namespace> <prefix>` | the keys under a prefix | the newest row's or tombstone's below it |
 */

export const keyView = (namespace: string, key: string) => `key\0${namespace}\0${key}`;
export const prefixView = (namespace: string, prefix: string) => `prefix\0${namespace}\0${prefix}`;
