/**
 * Departures: instances that were removed, kept for some minutes for readers who are told what has gone since they looked. Nothing is
 * written unless a reader has asked for it, so other registries pay one look-up for each removal
 * (docs/decisions/0081).
 */

import type { Draft } from '../../draft.ts';
import type { KeepDepartures } from './commands.ts';
import { departuresKeptUntil } from './find.ts';
import type { DepartureRow, DeparturesKeptRow, InstanceRow } from './rows.ts';

/** Readers look back three minutes (Eureka's deltas); the rest is for clocks that differ and nodes that start. */
const departureMs = 300_000;

export function lapsed({ atMs }: DepartureRow, now: number): boolean {
  return Math.abs(now - atMs) > departureMs;
}

/** Keeps a row that is about to be removed, or to belong to another service. */
export function noteDeparture(draft: Draft, row: InstanceRow, now: number): void {
  if (departuresKeptUntil(draft, row.namespace) <= now) return;
  const { kind: _kind, created: _created, modified: _modified, namespace, service, node, id, ...instance } = row;
  draft.put<DepartureRow>({ kind: 'departure', namespace, service, node, id, atMs: now, instance, created: 0, modified: 0 });
}

export function keepDepartures(draft: Draft, { namespace, untilMs }: KeepDepartures): boolean {
  if (departuresKeptUntil(draft, namespace) >= untilMs) return false;
  draft.put<DeparturesKeptRow>({ kind: 'departures-kept', namespace, untilMs, created: 0, modified: 0 });
  return true;
}
