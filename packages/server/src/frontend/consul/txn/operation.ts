/** The parts of one operation of a transaction: a step of the registry's `txn` command, its results, and its error texts. */

import type { Row, TxnFailure, TxnOperation } from '../../../registry/kinds.ts';
import type { State } from '../../../registry/state.ts';
import type { JsonValue } from '../wire/json.ts';

/** What results contain besides their rows. */
export interface Shown {
  readonly datacenter: string;
  readonly state: State;
}

export interface Operation {
  readonly namespace: string;
  readonly step: TxnOperation;
  /** @param rows the rows that the step read */
  readonly results: (rows: readonly Row[], shown: Shown) => JsonValue[];
  readonly failure: (failure: TxnFailure) => string;
}

/** The error of an operation that cannot be tried. */
export interface Refusal {
  readonly what: string;
}

/** An empty operation, which Consul ignores. */
export const noOperation: Parts = { step: {}, results: () => [], failure: () => '' };

export type Parts = Omit<Operation, 'namespace'>;

/** A number larger than any revision matches nothing. */
export function revisionOf(index: bigint | undefined): number {
  if (index === undefined) return 0;
  return index <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(index) : -1;
}

export function refused({ error }: TxnFailure): string {
  return error?.message ?? '';
}

export function removal(step: TxnOperation, stale: string): Parts {
  return {
    step,
    results: () => [],
    failure: (told) => (told.reason === 'refused' ? refused(told) : stale),
  };
}

