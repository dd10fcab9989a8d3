/**
 * Which configurations still have secrets whose data keys were wrapped by an older key. An operator removes that key from the key ring when
 * no configuration needs it any more.
 */

import type { OldKeys } from '@rollcall/protocol';
import type { Body } from '../../net/answers.ts';
import { inOrder, order } from '../../net/slices.ts';
import { configsIn, historyOf } from '../../registry/kind/config/find.ts';
import { configKey } from '../../registry/kind/config/keys.ts';
import type { ConfigRef, ConfigRow } from '../../registry/kind/config/rows.ts';
import { isInUse } from '../../registry/kind/config/steps.ts';
import type { Call } from './call.ts';

/** What of a configuration has such secrets. */
type Part = OldKeys['parts'][number];

interface Found {
  readonly ref: ConfigRef;
  readonly keys: Set<string>;
  readonly parts: Set<Part>;
}

/** A row with a content, which changes never. */
interface Stored {
  readonly part: Part;
  readonly ref: ConfigRef;
  readonly content: Uint8Array;
}

/** Bytes that one unit of work searches. */
const bytesPerUnit = 1_000;

/** `GET /rollcall/v1/config/old-keys` */
export async function oldKeys(call: Call): Promise<Body> {
  const namespace = call.environment();
  const { state } = call.context.registry;
  const { configurations } = call;
  return call.listInTurns(function* (pace, show) {
    const found = new Map<string, Found>();
    // The rows that exist now: they are read over several turns.
    const rows = [...configsIn(state, namespace)];
    const drafts = Array.from(configurations.drafts(namespace), (row): Stored => ({ part: 'draft', ref: row, content: row.content }));
    const proposals = Array.from(configurations.proposals(namespace), (row): Stored => ({ part: 'proposal', ref: row, content: row.content }));
    const stored = function* (): Generator<Stored, void, undefined> {
      for (const row of rows) if (call.may('read', row)) for (const step of historyOf(state, row)) yield { part: partOf(row, step.number), ref: row, content: step.content };
      for (const each of drafts) if (call.may('read', each.ref)) yield each;
      for (const each of proposals) if (call.may('read', each.ref)) yield each;
    };
    for (const { part, ref, content } of stored()) {
      const keys = configurations.contents.olderKeysIn(content);
      if (keys.size > 0) add(found, ref, part, keys);
      if (pace.spend(2 + content.length / bytesPerUnit)) yield;
    }
    const sorted = yield* inOrder([...found.values()], (a, b) => order(a.ref.app, b.ref.app) || order(a.ref.name, b.ref.name) || order(a.ref.cluster, b.ref.cluster), pace);
    for (const { ref: { app, cluster, name }, keys, parts } of sorted) {
      show({ environment: namespace, app, cluster, name, keys: [...keys].sort(order), parts: [...parts] });
      if (pace.spend(2)) yield;
    }
  });
}

function partOf(row: ConfigRow, number: number): Part {
  return isInUse(row, number) ? 'release' : 'history';
}

function add(found: Map<string, Found>, ref: ConfigRef, part: Part, keys: ReadonlySet<string>): void {
  const key = configKey(ref);
  let entry = found.get(key);
  if (entry === undefined) found.set(key, (entry = { ref, keys: new Set(), parts: new Set() }));
  entry.parts.add(part);
  for (const id of keys) entry.keys.add(id);
}
