/** Decisions about the row of one instance: its registration, and what is said of it later. */

import { putInstanceRow } from './administrative-check.ts';
import type { InstanceInput, InstanceStatus, Register } from '../../command.ts';
import type { Draft } from '../../draft.ts';
import { find } from '../../reader.ts';
import type { InstanceRow } from '../../rows.ts';
import { sameContent } from '../../same-content.ts';

/**
 * Writes an instance as it registers. What an operator said of it stays; a registration that says what is already there
 * changes nothing, the time of its last change included.
 */
export function putInstance(draft: Draft, { namespace, node: { name: node } }: Register, input: InstanceInput, now: number): void {
  const before = find.instance(draft, namespace, node, input.id);
  const { id, service, address = '', port = 0, scheme, ports, zone, region, cluster, tags = [], meta = {} } = input;
  const { weight = 1, warningWeight = weight, status = 'up', session, foreign } = input;
  const enabled = input.enabled ?? before?.enabled ?? true;
  write(draft, before, now, {
    kind: 'instance',
    namespace,
    node,
    id,
    service,
    address,
    port,
    ...(scheme === undefined ? {} : { scheme }),
    ...(ports === undefined ? {} : { ports }),
    ...(zone === undefined ? {} : { zone }),
    ...(region === undefined ? {} : { region }),
    ...(cluster === undefined ? {} : { cluster }),
    tags,
    meta,
    weight,
    ...(warningWeight === weight ? {} : { warningWeight }),
    ...(status === 'up' ? {} : { status }),
    ...(before?.override === undefined ? {} : { override: before.override }),
    ...(enabled ? {} : { enabled }),
    ...(input.persistent === true ? { persistent: true } : {}),
    ...(session === undefined ? {} : { session }),
    ...(foreign === undefined ? {} : { foreign }),
    registeredMs: before?.registeredMs ?? now,
    created: 0,
    modified: 0,
  });
}

/** @returns false when there is no such instance */
export function setStatus(draft: Draft, command: InstanceStatus, now: number): boolean {
  const before = find.instance(draft, command.namespace, command.node, command.id);
  if (before === undefined) return false;
  const { status: statusBefore = 'up', override: overrideBefore, enabled: enabledBefore = true, changedMs: _changed, ...rest } = before;
  const { status = statusBefore, override = overrideBefore, enabled = enabledBefore } = command;
  write(draft, before, now, {
    ...rest,
    ...(status === 'up' ? {} : { status }),
    ...(override === undefined || override === null ? {} : { override }),
    ...(enabled ? {} : { enabled }),
  });
  return true;
}

/** @param row without the time of its last change */
function write(draft: Draft, before: InstanceRow | undefined, now: number, row: InstanceRow): void {
  if (before === undefined) {
    putInstanceRow(draft, undefined, row);
    return;
  }
  const { changedMs, ...content } = before;
  const unchanged = sameContent(content, row);
  const changed = unchanged ? changedMs : now;
  putInstanceRow(draft, before, changed === undefined ? row : { ...row, changedMs: changed });
}
