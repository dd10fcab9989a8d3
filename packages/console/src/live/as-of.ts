/** The past time that the whole console shows, if any. The address has it, so that a link shows the same. */

import { place, refine } from '../place.ts';
import { parseTime } from './time.ts';

/** Milliseconds since the Unix epoch; undefined while the console shows the present. */
export function asOfMs(): number | undefined {
  const given = Number(place().query.get('at') ?? '');
  return Number.isFinite(given) && given > 0 ? given : undefined;
}

/** A link may say the time in words, such as `10m` or `14:02`: from now on the address has the moment that they mean, or none if they mean none. Called once, when the page is loaded. */
export function settleAsOf(): void {
  const text = place().query.get('at') ?? '';
  if (text === '' || asOfMs() !== undefined) return;
  showAsOf(parseTime(text, Date.now()));
}

/** @param atMs undefined goes back to the present */
export function showAsOf(atMs: number | undefined): void {
  refine({ at: atMs === undefined ? '' : String(Math.round(atMs)) });
}

/** Why no action may be done now; undefined when the console shows the present. */
export function pastReason(): string | undefined {
  return asOfMs() === undefined ? undefined : 'the page shows the past';
}
