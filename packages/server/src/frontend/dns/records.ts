/**
 * Resource records as this front end knows them, and the numbers of the DNS that it uses. What is
 * found (`resolve.ts`) and what is written (`message.ts`) meet here; there are no bytes in this file.
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

/** The name of the question: written as a pointer to it, which keeps the case that it was asked in. */
export const asAsked = Symbol('the name that was asked for');

interface Owned {
  /** A name without the dot at its end. */
  readonly owner: string | typeof asAsked;
  /** Seconds that a resolver may keep the record. */
  readonly ttl: number;
}

/** Addresses are hexadecimal: 8 digits for IPv4, 32 for IPv6. Names have no dot at their end. */
export type ResourceRecord = Owned &
  (
    | { readonly type: 'A' | 'AAAA'; readonly address: string }
    | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly target: string }
    | { readonly type: 'SRV'; readonly weight: number; readonly port: number; readonly target: string }
    | { readonly type: 'TXT'; readonly text: string }
    | { readonly type: 'SOA'; readonly server: string; readonly mailbox: string }
  );

/** A record of the answer, with what is sent along (ADDITIONAL) as long as the record itself is. */
export interface Entry {
  readonly record: ResourceRecord;
  readonly along: readonly ResourceRecord[];
}

/** What there is for a question. The names of `kind` are those of RFC 2308 §2. */
export type Found =
  | {
      readonly kind: 'answer';
      readonly count: number;
      /** Made when it is asked for: of ten thousand instances, a packet has room for twenty. */
      readonly entry: (index: number) => Entry;
      /** Any part of the entries in any order is a good answer: they are equals to choose from. */
      readonly choice: boolean;
      /** Of a choice: the first ones are the best, so no other order is as good. */
      readonly sorted?: boolean;
    }
  | { readonly kind: 'name-error' }
  | { readonly kind: 'no-data' };
