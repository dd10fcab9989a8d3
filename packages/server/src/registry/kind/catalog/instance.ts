/** Decisions about the row of one instance: its registration, and later changes of its status. */

import type { Draft } from '../../draft.ts';
import type { Unfinished } from '../../row.ts';
import { sameContent } from '../../same-content.ts';
import { putInstanceRow } from './administrative-check.ts';
import type { InstanceInput, InstanceStatus, Register } from './commands.ts';
import { noteDeparture } from './departures.ts';
import { instanceKey } from './keys.ts';
import type { InstanceRow } from './rows.ts';

/**
 * Writes an instance as it registers. The operator's overrides stay. An equal registration changes nothing, not even the time
 * of the last change.
 */
export function putInstance(draft: Draft, { namespace, node: { name: node } }: Register, input: InstanceInput, now: number): void {
  const key = instanceKey(namespace, node, input.id);
  const before = draft.get(key) as InstanceRow | undefined;
  const { id, service, address = '', port = 0, scheme, ports, zone, region, cluster, tags = [], meta = {} } = input;
  const { weight = 1, warningWeight = weight, status = 'up', session, foreign } = input;
  const enabled = input.enabled ?? before?.enabled ?? true;
  const registeredMs = before?.registeredMs ?? now;
  const row: Unfinished<InstanceRow> = { kind: 'instance', namespace, node, id, service, address, port, tags, meta, weight, registeredMs, created: 0, modified: 0 };
  if (scheme !== undefined) row.scheme = scheme;
  if (ports !== undefined) row.ports = ports;
  if (zone !== undefined) row.zone = zone;
  if (region !== undefined) row.region = region;
  if (cluster !== undefined) row.cluster = cluster;
  if (warningWeight !== weight) row.warningWeight = warningWeight;
  if (status !== 'up') row.status = status;
  if (before?.override !== undefined) row.override = before.override;
  const weightOverride = input.weightOverride ?? before?.weightOverride;
  if (weightOverride !== undefined) row.weightOverride = weightOverride;
  if (before?.overridden !== undefined && weightOverride === before.weightOverride) row.overridden = before.overridden;
  if (!enabled) row.enabled = enabled;
  if (input.persistent === true) row.persistent = true;
  if (session !== undefined) row.session = session;
  if (foreign !== undefined) row.foreign = foreign;
  write(draft, key, before, now, row);
}

/** @returns false when there is no such instance */
export function setStatus(draft: Draft, command: InstanceStatus, now: number): boolean {
  const key = instanceKey(command.namespace, command.node, command.id);
  const before = draft.get(key) as InstanceRow | undefined;
  if (before === undefined) return false;
  const { status: statusBefore = 'up', override: overrideBefore, weightOverride: weightBefore, overridden: noteBefore, enabled: enabledBefore = true, changedMs: _changed, ...rest } = before;
  const { status = statusBefore, enabled = enabledBefore, note } = command;
  const override = command.override === undefined ? overrideBefore : (command.override ?? undefined);
  const weightOverride = command.weightOverride === undefined ? weightBefore : (command.weightOverride ?? undefined);
  const isSame = override === overrideBefore && weightOverride === weightBefore;
  const overridden = isSame ? noteBefore : note === undefined ? undefined : { ...note, atMs: now };
  write(draft, key, before, now, {
    ...rest,
    ...(status === 'up' ? {} : { status }),
    ...(override === undefined ? {} : { override }),
    ...(weightOverride === undefined ? {} : { weightOverride }),
    ...(overridden === undefined || (override ?? weightOverride) === undefined ? {} : { overridden }),
    ...(enabled ? {} : { enabled }),
  });
  return true;
}

/** @param row a new object without the time of its last change */
function write(draft: Draft, key: string, before: InstanceRow | undefined, now: number, row: Unfinished<InstanceRow>): void {
  if (before !== undefined) {
    draft.keepUnknown(before, row);
    if (sameContent(before, row, 'changedMs')) return;
    row.changedMs = now;
    if (before.service !== row.service) noteDeparture(draft, before, now);
  }
  putInstanceRow(draft, key, before, row);
}
