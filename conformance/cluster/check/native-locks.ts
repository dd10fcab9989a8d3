/**
 * Checks Rollcall's own locks: tokens of a lock rise strictly, it has at most one holder at any revision of the store, and no write with the
 * token of an earlier holder is accepted. A token is the revision of its grant, and 16 bits below it.
 *
 * Tokens are decimal digits: in a restored store they exceed what a JSON number holds.
 */

/** A grant, as seen by the client that got it. */
export interface NativeGrant {
  readonly lock: string;
  /** Of the contender. */
  readonly id: string;
  readonly token: string;
  /** When the request was sent and when it was answered, in milliseconds. */
  readonly call: number;
  readonly return: number;
}

/** A write that the registry must refuse unless the token is that of the holder. Each write has a key of its own. */
export interface GuardedWrite {
  readonly lock: string;
  readonly token: string;
  readonly key: string;
  readonly call: number;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
}

/** The holders of a lock in one answer of a node. */
export interface NativeHolders {
  readonly lock: string;
  readonly node: string;
  readonly tokens: readonly string[];
}

/** A write that the store has at the end. */
export interface StoredWrite {
  readonly key: string;
  /** Of the transaction that wrote it. */
  readonly revision: number;
}

export interface NativeLockHistory {
  readonly grants: readonly NativeGrant[];
  readonly writes: readonly GuardedWrite[];
  readonly holders: readonly NativeHolders[];
  /** Undefined if the store has lost acknowledged writes, or was not read at the end. */
  readonly stored: readonly StoredWrite[] | undefined;
}

const tokenBits = 16n;

/** Breaches, one sentence each. */
export function checkNativeLocks({ grants, writes, holders, stored }: NativeLockHistory): string[] {
  const breaks: string[] = [];
  for (const { lock, node, tokens } of holders) {
    if (tokens.length > 1) breaks.push(`lock ${lock}: node ${node} shows ${tokens.length} holders at once, with the tokens ${tokens.join(' and ')}`);
  }
  for (const lock of new Set(grants.map((grant) => grant.lock))) {
    const own = grants.filter((grant) => grant.lock === lock).toSorted((one, other) => one.return - other.return);
    const guarded = writes.filter((write) => write.lock === lock);
    breaks.push(...risingTokens(lock, own), ...lateWrites(lock, own, guarded));
    if (stored !== undefined) breaks.push(...storedWrites(lock, own, guarded, new Map(stored.map(({ key, revision }) => [key, revision]))));
  }
  return breaks;
}

/** @param grants in the order of their answers */
function risingTokens(lock: string, grants: readonly NativeGrant[]): string[] {
  const breaks: string[] = [];
  const holder = new Map<string, string>();
  for (const { id, token, call } of grants) {
    const other = holder.get(token);
    if (other !== undefined) breaks.push(`lock ${lock}: contenders ${other} and ${id} both have token ${token}`);
    holder.set(token, id);
    const highest = highestBefore(grants, call);
    if (highest !== undefined && highest >= BigInt(token)) breaks.push(`lock ${lock}: contender ${id} got token ${token} after ${highest} was given`);
  }
  return breaks;
}

/** Accepted although a newer grant was known before they were sent. */
function lateWrites(lock: string, grants: readonly NativeGrant[], writes: readonly GuardedWrite[]): string[] {
  return writes.flatMap(({ token, key, call, outcome }) => {
    const highest = outcome === 'accepted' ? highestBefore(grants, call) : undefined;
    return highest !== undefined && highest > BigInt(token) ? [`lock ${lock}: the write ${key} with token ${token} was accepted after ${highest} was given`] : [];
  });
}

/** By the revisions of the store: the holder at the revision of a write has the token of that write. */
function storedWrites(lock: string, grants: readonly NativeGrant[], writes: readonly GuardedWrite[], stored: ReadonlyMap<string, number>): string[] {
  const tokens = [...new Set([...grants, ...writes].map(({ token }) => token))].map(BigInt);
  return writes.flatMap(({ token, key, outcome }) => {
    const revision = stored.get(key);
    if (revision === undefined) return outcome === 'accepted' ? [`lock ${lock}: the write ${key} was accepted, and is lost`] : [];
    if (outcome === 'refused') return [`lock ${lock}: the write ${key} was refused, and is in the store`];
    // A grant in the transaction of the write may come after it.
    const newer = tokens.find((each) => each > BigInt(token) && each >> tokenBits < BigInt(revision));
    return newer === undefined ? [] : [`lock ${lock}: the write ${key} with token ${token} was accepted at revision ${revision}, where token ${newer} held the lock`];
  });
}

/** The highest token that was known before a moment. @param grants in the order of their answers */
function highestBefore(grants: readonly NativeGrant[], at: number): bigint | undefined {
  let highest: bigint | undefined;
  for (const { token, return: end } of grants) {
    if (end >= at) break;
    if (highest === undefined || BigInt(token) > highest) highest = BigInt(token);
  }
  return highest;
}
