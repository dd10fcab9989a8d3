/** The path of a key in Consul's API. */

/** Keeps slashes, and escapes other characters with a meaning in URLs. */
export function kvPath(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}
