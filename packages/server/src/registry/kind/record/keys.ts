/** Record keys and buckets of generic records. */

export const recordKey = (namespace: string, type: string, id: string) => `record\0${namespace}\0${type}\0${id}`;

export const recordBuckets = {
  ofType: (namespace: string, type: string) => `records\0${namespace}\0${type}`,
} as const;
