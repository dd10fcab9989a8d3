/**
 * Resource records, and the numbers of DNS that this front end uses. `resolve.ts` makes records, `message.ts` encodes
 * them; this file knows no bytes.
 */

/** RFC 1035 §3.2.2, RFC 3596 (AAAA), RFC 2782 (SRV), RFC 6891 (OPT), RFC 1995 (IXFR). */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** RFC 1035 §3.2.4. */
export const classes = { IN: 1, ANY: 255 } as const;

/** RFC 1035 §4.1.1; BADVERS is RFC 6891 §6.1.3 and does not fit into the header. */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Stands for the name of the question: it is encoded as a pointer, so that the answer has the case of the question. */
export const asAsked = Symbol('the name that was asked for');

interface Owned {
  /** A name without its final dot. */
  readonly owner: string | typeof asAsked;
  /** Seconds that a resolver may keep the record. */
  readonly ttl: number;
}

/** Addresses are hexadecimal: 8 digits for IPv4, 32 for IPv6. Names have no final dot. */
export type ResourceRecord = Owned &
  (
    | { readonly type: 'A' | 'AAAA'; readonly address: string }
    | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
    | { readonly type: 'SRV'; readonly weight: number; readonly port: number; readonly target: string }
    | { readonly type: 'TXT'; readonly text: string }
    | { readonly type: 'SOA'; readonly server: string; readonly mailbox: string }
  );

/** A record of the answer, with the records that go into the additional section with it. */
export interface Entry {
  readonly record: ResourceRecord;
  readonly along: readonly ResourceRecord[];
}

/** The records for a question. The names of `kind` are those of RFC 2308 §2. */
export type Found =
  | {
      readonly kind: 'answer';
      readonly count: number;
      /** Makes an entry when it is needed: of ten thousand instances, twenty fit into a packet. */
      readonly entry: (index: number) => Entry;
      /** Whether some of the entries, in any order, are a valid answer. */
      readonly choice: boolean;
      /** Whether the first entries of a choice are the best, so that the order must stay. */
      readonly sorted?: boolean;
    }
  | { readonly kind: 'name-error' }
  | { readonly kind: 'no-data' };
