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
    return { kind: 'znode-set-acl', namespace: call.options.namespace, path, client: clientOf(call), acl: fromWireAcl(acl), version };
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
      return { kind: 'znode-check', namespace: call.options.namespace, path: operation.path, client: clientOf(call), version: operation.version };
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
  const { mode, sequential = false } = modeOf(flags);
  const { namespace } = call.options;
  // Literals with every field: those of a multi are many, and made by spreading they take several times as long.
  const command: Making<ZnodeCreate> = { kind: 'znode-create', namespace, path, client: clientOf(call), data, acl: fromWireAcl(acl), mode, sequential, bases: basesOf(call.options) };
  if (mode === 'ttl') command.ttlMs = ttl ?? -1;
  const ensure = call.tree.virtualAbove(path);
  if (ensure.length > 0) command.ensure = ensure;
  return command;
}

/** An object whose optional fields are set one after the other. */
type Making<T> = { -readonly [F in keyof T]: T[F] };

function created(result: unknown): { path: string; stat: ReturnType<typeof toStat> } {
  const { path, stat } = result as ZnodeCreated;
  return { path, stat: toStat(stat) };
}

function deletion(call: Call, { path, version }: RequestBody<'delete'>): ZnodeDelete {
  requireRight(call, 'write', path);
  assertRow(call, path);
  return { kind: 'znode-delete', namespace: call.options.namespace, path, client: clientOf(call), version };
}

/** The data is a view of the packet: the state copies what it keeps. */
function setting(call: Call, { path, data, version }: RequestBody<'setData'>): ZnodeSet {
  requireRight(call, 'write', path);
  assertRow(call, path);
  return { kind: 'znode-set', namespace: call.options.namespace, path, client: clientOf(call), data, version, bases: basesOf(call.options) };
}

function clientOf({ client }: Call): ZnodeClient {
  const { id: session, epoch } = client.session;
  return { session, epoch, ids: client.ids };
}

/** What another protocol registered is changed by it. @throws ZookeeperError */
function assertRow({ tree }: Call, path: string): void {
  if (tree.virtual.place(path) === undefined || !tree.isVirtual(path)) return;
  throw new ZookeeperError(errorCodes.noAuth, 'permission_denied', `znode ${shown(path)} shows what another protocol registered; change it there`);
}
