/**
 * The page's half of its session: random bytes, which only pages of this scheme, host and port can read. The other half is in a cookie that scripts cannot
 * read, and that is sealed with these bytes; so neither half is of use alone.
 */

const place = 'rollcall-page-key';
const bytes = 32;

/** Without storage (a private window of some browsers) a session lasts as long as its page. */
let kept: string | undefined;

/** 32 bytes in base64url. */
export function pageKey(): string {
  kept = stored() ?? kept;
  if (kept === undefined) {
    kept = base64Url(crypto.getRandomValues(new Uint8Array(bytes)));
    store(kept);
  }
  return kept;
}

/** After signing out: what was sealed with the key can never be opened again. */
export function forgetPageKey(): void {
  kept = undefined;
  try {
    localStorage.removeItem(place);
  } catch {}
}

function stored(): string | undefined {
  try {
    return localStorage.getItem(place) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(key: string): void {
  try {
    localStorage.setItem(place, key);
  } catch {}
}

function base64Url(data: Uint8Array): string {
  return btoa(String.fromCharCode(...data)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
