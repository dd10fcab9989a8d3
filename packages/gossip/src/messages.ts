/**
 * What members of a group say to each other, as plain data: the words of all folders of this package. How it
 * becomes bytes is in `wire/`.
 */

/** Where a member listens, for datagrams and for streams alike. */
export interface Address {
  /** IPv4 or IPv6 address, or a host name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host;
}

/**
 * What a member is, as others know it. `suspect`: it did not answer, and has some time to say that it is alive.
 * `dead`: it did not say so in time. `left`: it said goodbye.
 */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/**
 * News of a member. `incarnation` is a number that only the member itself raises: of two messages about it, the one with
 * the higher number is newer; with the same number, `left` counts more than `dead`, and `dead` more than `suspect` and `alive`.
 */
export type MemberUpdate =
  | { readonly kind: 'alive'; readonly name: string; readonly address: Address; readonly incarnation: number }
  | { readonly kind: 'suspect' | 'dead'; readonly name: string; readonly incarnation: number; readonly by: string }
  | { readonly kind: 'left'; readonly name: string; readonly incarnation: number };

/** One row that its owner wrote, as news; `rows/row-set.ts` explains its numbers. */
export interface RowUpdate {
  readonly kind: 'row';
  readonly owner: string;
  readonly generation: number;
  /** The number of the owner's write: 1, 2, 3 and so on. */
  readonly version: number;
  readonly key: string;
  /** Undefined: the row was removed. */
  readonly value: string | undefined;
}

export type Update = MemberUpdate | RowUpdate;

/** The first part of a datagram. */
export type Head =
  /** `target` is the name of the member that is meant: another process may have got its address. */
  | { readonly kind: 'ping'; readonly sequence: number; readonly target: string }
  /** Asks the receiver to ping `target`, and to answer `nack` if it has no answer after `nackAfterMs`. */
  | { readonly kind: 'ping-request'; readonly sequence: number; readonly target: string; readonly address: Address; readonly nackAfterMs: number }
  | { readonly kind: 'ack' | 'nack'; readonly sequence: number }
  | { readonly kind: 'gossip' };

/** One datagram. */
export interface Packet {
  /** Name and incarnation of the sender. */
  readonly from: string;
  readonly incarnation: number;
  /** Hashes over all living members and over all their rows: members with the same knowledge have the same ones. */
  readonly membersHash: number;
  readonly rowsHash: number;
  readonly head: Head;
  readonly updates: readonly Update[];
}

/** A member as one member of the group knows it, in an exchange of whole states. */
export interface MemberRecord {
  readonly name: string;
  readonly address: Address;
  readonly incarnation: number;
  readonly state: MemberState;
}

/** What a member knows of the rows of one owner: all up to `known`. */
export interface OwnerDigest {
  readonly owner: string;
  readonly generation: number;
  readonly known: number;
}

export interface Row {
  readonly key: string;
  readonly version: number;
  /** Undefined: the row was removed. */
  readonly value: string | undefined;
}

/** Rows of one owner for a member that lacks them: all with versions above `since`, up to `upTo`. */
export interface OwnerRows {
  readonly owner: string;
  readonly generation: number;
  /** What the receiver must know for `upTo` to become what it knows; 0: these are all rows, and others do not exist. */
  readonly since: number;
  readonly upTo: number;
  /** Tombstones up to this version were dropped. */
  readonly floor: number;
  readonly rows: readonly Row[];
}

/** One message of an exchange of states, over a stream. */
export type Exchange =
  /** The first message: what the sender knows. */
  | { readonly kind: 'state'; readonly from: string; readonly records: readonly MemberRecord[]; readonly digests: readonly OwnerDigest[] }
  /** The answer to it: the same of the other member, and rows that the first one lacks. */
  | {
      readonly kind: 'answer';
      readonly from: string;
      readonly records: readonly MemberRecord[];
      readonly digests: readonly OwnerDigest[];
      readonly rows: readonly OwnerRows[];
    }
  /** The last one: rows that the other member lacks. */
  | { readonly kind: 'rows'; readonly from: string; readonly rows: readonly OwnerRows[] }
  | { readonly kind: 'stream-ping'; readonly target: string }
  | { readonly kind: 'stream-ack'; readonly from: string };
