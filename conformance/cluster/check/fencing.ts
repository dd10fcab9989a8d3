/**
 * Checks mutual exclusion of a lock: at each revision at most one session holds it, and its fencing tokens rise with each
 * grant, so that a resource that remembers the highest token refuses the late writes of an earlier holder.
 */

/** A grant of a lock, as seen by the client that got it. */
export interface Grant {
  readonly lock: string;
  readonly session: string;
  readonly token: number;
  /** Positions of the call of the acquire and of its return in the order of all events. */
  readonly call: number;
  readonly return: number;
}

/** A state of the key of a lock, as a reader has seen it. */
export interface Held {
  readonly lock: string;
  readonly revision: number;
  /** Undefined when the lock is free. */
  readonly session: string | undefined;
  readonly token: number;
}

/** Breaches, one sentence each. */
export function checkFencing(grants: readonly Grant[], seen: readonly Held[]): string[] {
  const breaks: string[] = [];
  for (const [lock, own] of groups(grants)) {
    const sorted = own.toSorted((one, other) => one.return - other.return);
    // The highest token that was granted before a position: each grant that begins later has a higher one, or is a renewal.
    for (const grant of sorted) {
      for (const earlier of sorted) {
        if (earlier.return >= grant.call) break;
        if (earlier.session !== grant.session && earlier.token >= grant.token) {
          breaks.push(`lock ${lock}: session ${grant.session} got token ${grant.token} after session ${earlier.session} had ${earlier.token}`);
        }
      }
    }
    const holders = new Map<number, string>();
    for (const { token, session } of own) {
      const other = holders.get(token);
      if (other !== undefined && other !== session) breaks.push(`lock ${lock}: sessions ${other} and ${session} both have token ${token}`);
      holders.set(token, session);
    }
  }
  for (const [lock, own] of groups(seen)) {
    const sorted = own.toSorted((one, other) => one.revision - other.revision);
    let before: Held | undefined;
    for (const held of sorted) {
      if (before !== undefined && before.revision === held.revision && before.session !== held.session) {
        breaks.push(`lock ${lock}: at revision ${held.revision} readers saw ${before.session ?? 'no session'} and ${held.session ?? 'no session'}`);
      }
      if (before !== undefined && held.token < before.token) {
        breaks.push(`lock ${lock}: token ${held.token} at revision ${held.revision} after ${before.token} at ${before.revision}`);
      }
      const other = before?.session;
      if (held.session !== undefined && other !== undefined && other !== held.session && held.token === before?.token) {
        breaks.push(`lock ${lock}: token ${held.token} went from session ${other} to ${held.session}`);
      }
      before = held;
    }
  }
  return breaks;
}

/** A write to a resource that remembers the highest token it has seen. */
export interface FencedWrite {
  readonly token: number;
  readonly accepted: boolean;
}

/** Late writes that the resource accepted: each is a breach. */
export function acceptedLate(writes: readonly FencedWrite[]): FencedWrite[] {
  let highest = 0;
  return writes.filter(({ token, accepted }) => {
    const late = token < highest;
    highest = Math.max(highest, token);
    return late && accepted;
  });
}

function groups<T extends { readonly lock: string }>(all: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) found.set(each.lock, [...(found.get(each.lock) ?? []), each]);
  return found;
}
