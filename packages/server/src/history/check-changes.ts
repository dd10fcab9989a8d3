/** The status changes of an instance's checks, and of the checks of its node, the newest first: "failed 14 times since Tuesday". It checks no rights. */

import type { CheckChange, CheckChanges } from '@rollcall/protocol';
import { interner } from '../registry/codec.ts';
import { checksOfInstance, checksOfNode } from '../registry/kind/catalog/find.ts';
import { instanceKey } from '../registry/kind/catalog/keys.ts';
import type { CheckRow, InstanceRow } from '../registry/kind/catalog/rows.ts';
import { keyOf, type Row } from '../registry/kinds.ts';
import { isOf } from '../registry/row.ts';
import { Scan } from './scan.ts';
import { units } from './slices.ts';
import type { StripSource } from './strip.ts';
import { instanceSubject, nodeSubject, serviceSubject } from './subject.ts';

const outputMax = 500;

/**
 * @param of the instance; changes from a time at which an instance of that name was of another service are left out
 * @param limit most changes
 */
export async function checkChangesOf({ frozen, segments, nowMs, turn }: StripSource, of: Pick<InstanceRow, 'namespace' | 'service' | 'node' | 'id'>, limit: number): Promise<CheckChanges> {
  const { namespace, service, node, id } = of;
  const sinceMs = segments[0]?.base.atMs ?? nowMs;
  const own = instanceKey(namespace, node, id);
  let instance = frozen.get(own) as InstanceRow | undefined;
  const checks = new Map<string, CheckRow>();
  for (const check of checksOfInstance(frozen, namespace, node, id)) checks.set(keyOf(check), check);
  if (node !== '') for (const check of checksOfNode(frozen, node)) checks.set(keyOf(check), check);
  const isAsked = (row: Row | undefined): row is CheckRow =>
    isOf<CheckRow>(row, 'check') && row.node === node && (row.instance === '' ? node !== '' : row.namespace === namespace && row.instance === id);
  const subjects = new Set([serviceSubject(namespace, service), instanceSubject(namespace, node, id), ...(node === '' ? [] : [nodeSubject(node)])]);
  const scan = new Scan({ segments, afterMs: sinceMs - 1, upTo: frozen.revision, turn });
  const changes: CheckChange[] = [];
  let failures = 0;
  const intern = interner();
  await scan.backward(subjects, function* takeBack({ atMs, revision }, entries, cursor) {
    const changed: [after: CheckRow | undefined, before: CheckRow | undefined][] = [];
    let isOfService = instance?.service === service;
    for (const at of entries.toReversed()) {
      cursor.moveTo(at);
      yield units.row + cursor.valueBytes * units.byte;
      const key = cursor.key();
      if (key === own) {
        instance = cursor.before(key, intern) as InstanceRow | undefined;
        isOfService ||= instance?.service === service;
      }
      if (!key.startsWith('check\0')) continue;
      const row = cursor.before(key, intern);
      const before = isAsked(row) ? row : undefined;
      changed.push([checks.get(key), before]);
      if (before === undefined) checks.delete(key);
      else checks.set(key, before);
    }
    if (!isOfService) return;
    for (const [after, before] of changed) {
      const shown = after ?? before;
      if (shown === undefined || after?.status === before?.status) continue;
      if (before !== undefined && after?.status === 'critical') failures++;
      if (changes.length === limit) continue;
      changes.push({ ...{ atMs, revision, check: shown.id }, ...(shown.instance === '' ? { node: true } : {}), from: before?.status ?? null, to: after?.status ?? null, output: shown.output.slice(0, outputMax) });
    }
  });
  return { changes, failures, sinceMs };
}
