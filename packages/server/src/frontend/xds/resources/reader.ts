/** What endpoints depend on besides their service: the client that gets them, as its node says. Pure. */

import { hash32, RegistryError } from '@rollcall/protocol';
import type { NodeInfo } from '../wire/messages.ts';
import type { Place } from './assignment.ts';

export interface Reader {
  readonly place: Place;
  /** Its number among the clients, below `ordinalsMax`: decides its subsets. */
  readonly ordinal: number;
}

/**
 * Different subsets of a service. Clients whose numbers are equal share their endpoints and the bytes; with 20 of 10,000 instances in a
 * subset, each instance still is in 20 of these.
 */
export const ordinalsMax = 10_000;

/** @throws RegistryError `invalid_argument` */
export function readerOf({ id, region, zone, metadata }: NodeInfo): Reader {
  return { place: { region, zone, ownZoneFirst: metadata.get('prefer') === 'zone' }, ordinal: ordinalOf(id, metadata.get('ordinal')) };
}

/**
 * An operator may give each client a number, such as the index of a replica: then subsets are spread as evenly as those of Rollcall's own
 * clients. Without one it is a hash of the id of the node, the same on every server and after every restart.
 */
function ordinalOf(id: string, given: string | undefined): number {
  if (given === undefined) return (hash32(id) >>> 0) % ordinalsMax;
  const ordinal = Number(given);
  if (given !== '' && Number.isSafeInteger(ordinal) && ordinal >= 0) return ordinal % ordinalsMax;
  throw new RegistryError('invalid_argument', `the metadata of the node has the ordinal ${JSON.stringify(given.slice(0, 80))}, it must be a whole number, 0 or more`);
}
