/** The way back from an OpenID provider: the address has its answer, which this page hands to the server once, and then leaves the address and the history. */

import { ask } from './api.ts';
import { replaceWith } from './place.ts';

const path = '/ui/oidc/callback';
const placeBefore = 'rollcall-before-sign-in';

/** Before the page goes to the provider. */
export function rememberPlace(): void {
  sessionStorage.setItem(placeBefore, location.pathname + location.search);
}

/**
 * Call it before anything is shown. It leads back to the place at which the sign-in began.
 * @returns why the sign-in failed; empty if it did not, or there was none
 */
export async function finishSignIn(): Promise<string> {
  if (location.pathname !== path) return '';
  const query = location.search.slice(1);
  const before = sessionStorage.getItem(placeBefore) ?? '';
  sessionStorage.removeItem(placeBefore);
  replaceWith(before.startsWith('/ui/') && !before.startsWith(path) ? before : '/ui/');
  try {
    await ask('POST', '/ui/api/oidc/callback', { query });
    return '';
  } catch (error) {
    return `You are not signed in: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
