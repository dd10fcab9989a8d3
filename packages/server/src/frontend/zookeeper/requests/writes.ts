/** Requests that write: each becomes one command, a `multi` one transaction. */

import { RegistryError } from '@rollcall/protocol';
import { errorCodes } from '../../../jute/codes.ts';
import type { MultiOperation, MultiResult } from '../../../jute/multi.ts';
import type { RequestBody } from '../../../jute/requests.ts';
import type { AnyTxnResult } from '../../../registry/command.ts';
import { znodeLimits, type ZnodeCheck, type ZnodeClient, type ZnodeCreate, type ZnodeDelete, type ZnodeSet } from '../../../registry/kind/znode/commands.ts';
import type { ZnodeCreated } from '../../../registry/kind/znode/decide.ts';
import type { ZnodeStat } from '../../../registry/kind/znode/find.ts';
import { shown } from '../../../registry/kind/znode/znode-error.ts';
import { codeOf, ZookeeperError } from '../errors.ts';
import { basesOf } from '../options.ts';
import { requireRight } from '../rights.ts';
import { fromWireAcl, modeOf, toStat } from '../stat.ts';
import type { Call, Write } from './request.ts';

const byPath = { kind: 'demands-by-name', resource: 'znode', verb: 'write' } as const;

type Creation = RequestBody<'create'> & { readonly ttl?: number };

export const create: Write<'create'> = {
  ...{ kind: 'write', access: byPath, command: creation },
  answer: (result) => ({ path: (result as ZnodeCreated).path }),
};

const withStat = { kind: 'write', access: byPath, command: creation, answer: created } as const;
export const create2: Write<'create2'> = withStat;
export const createContainer: Write<'createContainer'> = withStat;
export const createTTL: Write<'createTTL'> = withStat;

export const deleteZnode: Write<'delete'> = {
  ...{ kind: 'write', access: byPath, command: deletion },
  answer: () => ({}),
};

export const setData: Write<'setData'> = {
  ...{ kind: 'write', access: byPath, command: setting },
  answer: (result) => ({ stat: toStat(result as ZnodeStat) }),
};

export const setACL: Write<'setACL'> = {
  kind: 'write',
  access: byPath,
  command(call, { path, acl, version }) {
    requireRight(call, 'write', path);
    assertRow(call, path);
    return { kind: 'znode-set-acl', ...target(call, path), acl: fromWireAcl(acl), version };
  },
  answer: (result) => ({ stat: toStat(result as ZnodeStat) }),
};

export const multi: Write<'multi'> = {
  kind: 'write',
  access: byPath,
  command(call, { operations }) {
    if (operations.length > znodeLimits.multiOperationsMax) {
      throw new RegistryError('invalid_argument', `a multi has ${operations.length} operations, the limit is ${znodeLimits.multiOperationsMax}; send several`);
    }
    return { kind: 'txn', operations: operations.map((operation) => ({ change: commandOf(call, operation) })) };
  },
  answer: (result, { operations }) => ({ results: resultsOf(result as AnyTxnResult, operations) }),
};

function commandOf(call: Call, operation: MultiOperation): ZnodeCreate | ZnodeDelete | ZnodeSet | ZnodeCheck {
  switch (operation.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return creation(call, operation);
    case 'delete':
      return deletion(call, operation);
    case 'setData':
      return setting(call, operation);
    case 'check':
      requireRight(call, 'read', operation.path);
      return { kind: 'znode-check', ...target(call, operation.path), version: operation.version };
  }
}

/** Of a failure, ZooKeeper shows the first one; those before it have no error, and those behind it were not tried. */
function resultsOf(result: AnyTxnResult, operations: readonly MultiOperation[]): MultiResult[] {
  if ('failures' in result) {
    const [first] = result.failures;
    const at = first?.at ?? 0;
    const code = codeOf(first?.error) ?? errorCodes.systemError;
    return operations.map((_, index) => ({ op: 'error', err: index < at ? errorCodes.ok : index === at ? code : errorCodes.runtimeInconsistency }));
  }
  return operations.map(({ op }, index): MultiResult => {
    const answer = result.answers[index];
    switch (op) {
      case 'create':
        return { op, path: (answer as ZnodeCreated).path };
      case 'create2':
      case 'createContainer':
      case 'createTTL':
        return { op: 'create2', ...created(answer) };
      case 'setData':
        return { op, stat: toStat(answer as ZnodeStat) };
      case 'delete':
      case 'check':
        return { op };
    }
  });
}

function creation(call: Call, { path, data, acl, flags, ttl }: Creation): ZnodeCreate {
  requireRight(call, 'write', path);
  const mode = modeOf(flags);
  const ttlMs = mode.mode === 'ttl' ? (ttl ?? -1) : undefined;
  const ensure = call.tree.virtualAbove(path);
  return {
    ...{ kind: 'znode-create', ...target(call, path), data: copied(data), acl: fromWireAcl(acl), ...mode, bases: basesOf(call.options) },
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(ensure.length === 0 ? {} : { ensure }),
  };
}

function created(result: unknown): { path: string; stat: ReturnType<typeof toStat> } {
  const { path, stat } = result as ZnodeCreated;
  return { path, stat: toStat(stat) };
}

function deletion(call: Call, { path, version }: RequestBody<'delete'>): ZnodeDelete {
  requireRight(call, 'write', path);
  assertRow(call, path);
  return { kind: 'znode-delete', ...target(call, path), version };
}

function setting(call: Call, { path, data, version }: RequestBody<'setData'>): ZnodeSet {
  requireRight(call, 'write', path);
  assertRow(call, path);
  return { kind: 'znode-set', ...target(call, path), data: copied(data), version, bases: basesOf(call.options) };
}

function target({ options: { namespace }, client }: Call, path: string): { namespace: string; path: string; client: ZnodeClient } {
  const { id: session, epoch } = client.session;
  return { namespace, path, client: { session, epoch, ids: client.ids } };
}

/** What another protocol registered is changed by it. @throws ZookeeperError */
function assertRow({ tree }: Call, path: string): void {
  if (tree.virtual.place(path) === undefined || !tree.isVirtual(path)) return;
  throw new ZookeeperError(errorCodes.noAuth, 'permission_denied', `znode ${shown(path)} shows what another protocol registered; change it there`);
}

/** The state keeps it, and must not keep the packet, or the buffer of many of them, alive. */
function copied(data: Uint8Array | null): Uint8Array | null {
  return data === null ? null : Uint8Array.prototype.slice.call(data);
}
