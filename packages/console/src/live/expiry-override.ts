/** What came of the order to let lapsed leases expire, in words. Pure. */

import type { ExpiryOverride } from '@rollcall/protocol';

export function overrideText({ expired, missing }: ExpiryOverride): string {
  const done = `${expired} lapsed ${expired === 1 ? 'lease has' : 'leases have'} expired.`;
  return missing.length === 0 ? done : `${done} Not answered, and perhaps still frozen: ${missing.join(', ')}.`;
}
