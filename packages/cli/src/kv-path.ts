/** Where a key is in Consul's API. */

/** Its slashes stand as they are; whatever else means something in a URL is escaped. */
export function kvPath(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}
