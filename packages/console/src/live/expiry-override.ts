/** What came of the order to let lapsed leases expire, in words. Pure. */

import type { ExpiryOverride } from '@rollcall/protocol';
import { notAnswered } from './not-answered.ts';

export function overrideText({ expired, missing }: ExpiryOverride): string {
  return `${expired} lapsed ${expired === 1 ? 'lease has' : 'leases have'} expired.${notAnswered(missing, 'perhaps still frozen')}`;
}
