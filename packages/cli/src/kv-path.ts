/** Where a key is in Consul's API. */

/** Slashes stay as they are; other characters that mean something in a URL are escaped. */
export function kvPath(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}
