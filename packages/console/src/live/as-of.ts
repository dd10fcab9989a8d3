/** The past time that the whole console shows, if any. The address has it, so that a link shows the same. */

import { place, refine } from '../place.ts';

/** Milliseconds since the Unix epoch; undefined while the console shows the present. */
export function asOfMs(): number | undefined {
  const given = Number(place().query.get('at') ?? '');
  return Number.isFinite(given) && given > 0 ? given : undefined;
}

/** @param atMs undefined goes back to the present */
export function showAsOf(atMs: number | undefined): void {
  refine({ at: atMs === undefined ? '' : String(Math.round(atMs)) });
}

/** Why no action may be done now; undefined when the console shows the present. */
export function pastReason(): string | undefined {
  return asOfMs() === undefined ? undefined : 'the page shows the past';
}
