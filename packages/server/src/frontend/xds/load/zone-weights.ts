/**
 * The parts of their weights that the zones of a service keep, as a record of the registry: all nodes read them from the same row, so clients get the same
 * endpoints from each. A service without a loaded zone has none.
 */

import type { Lookup } from '../../../registry/room.ts';
import type { RecordDelete, RecordPut } from '../../../registry/kind/record/commands.ts';
import { findRecord, recordsOfType } from '../../../registry/kind/record/find.ts';
import { recordView } from '../../../registry/kind/record/views.ts';
import type { ZonePart } from './zone-factors.ts';

const type = 'xds-zone-weights';

export const zoneWeightsView = (namespace: string, service: string): string => recordView(namespace, type, service);

export interface StoredParts {
  readonly parts: readonly ZonePart[];
  /** Of the row; 0 when there is none. */
  readonly revision: number;
}

export function zonePartsOf(reader: Lookup, namespace: string, service: string): StoredParts {
  const row = findRecord(reader, namespace, type, service);
  return row === undefined ? { parts: [], revision: 0 } : { parts: (row.value as unknown as { readonly zones: readonly ZonePart[] }).zones, revision: row.modified };
}

/** The services of a namespace with a loaded zone. */
export function* weighedServices(reader: Lookup, namespace: string): Generator<string, void, undefined> {
  for (const { id } of recordsOfType(reader, namespace, type)) yield id;
}

/** Replaces the row that has this revision. @param parts none: it is deleted */
export function storeZoneParts(namespace: string, service: string, parts: readonly ZonePart[], revision: number): RecordPut | RecordDelete {
  if (parts.length === 0) return { kind: 'record-delete', namespace, type, id: service };
  return { kind: 'record-put', namespace, type, id: service, value: { zones: parts.map((part) => ({ ...part })) }, cas: revision };
}
