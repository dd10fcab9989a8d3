/** Requests that read: answered from the state of this node, as ZooKeeper's servers do. A watch is set in the turn of the reading. */

import { errorCodes } from '../../../jute/codes.ts';
import type { MultiResult } from '../../../jute/multi.ts';
import { JuteOutput } from '../../../jute/output.ts';
import { stat as statRecord, type Stat } from '../../../jute/records.ts';
import type { Work } from '../../../net/turns.ts';
import { ephemeralsOf, type ZnodeStat } from '../../../registry/kind/znode/find.ts';
import { childOf } from '../../../registry/kind/znode/keys.ts';
import { perms } from '../../../registry/kind/znode/rows.ts';
import { shown } from '../../../registry/kind/znode/znode-error.ts';
import { codeOf, ZookeeperError } from '../errors.ts';
import { childrenAtOnce } from '../limits.ts';
import { mayReadPath, requireAcl, requireRight } from '../rights.ts';
import { toStat, toWireAcl } from '../stat.ts';
import type { TreeNode } from '../tree.ts';
import { addWatch } from '../watches/watch.ts';
import { EncodedBody, type Call, type Read } from './request.ts';

const byPath = { kind: 'demands-by-name', resource: 'znode', verb: 'read' } as const;

export const exists: Read<'exists'> = {
  kind: 'read',
  access: byPath,
  run(call, { path, watch }) {
    assertNoNull(path);
    requireRight(call, 'read', path);
    const node = call.tree.node(path);
    if (node !== undefined) requireAcl(call.client, node.acl, perms.read, path);
    if (watch) addWatch(call, path, 'data');
    if (node === undefined) throw noNode(path);
    return { stat: toStat(call.tree.stat(path) as ZnodeStat) };
  },
};

export const getData: Read<'getData'> = {
  kind: 'read',
  access: byPath,
  run(call, body) {
    const { data } = readable(call, body.path);
    if (body.watch) addWatch(call, body.path, 'data');
    return { data, stat: toStat(call.tree.stat(body.path) as ZnodeStat) };
  },
};

export const getChildren: Read<'getChildren'> = {
  kind: 'read',
  access: byPath,
  holdsEvents: true,
  run(call, body) {
    readable(call, body.path);
    if (body.watch) addWatch(call, body.path, 'children');
    return isShort(call, body.path) ? { children: childrenOf(call, body.path) } : listInSlices(call, body.path, undefined);
  },
};

export const getChildren2: Read<'getChildren2'> = {
  kind: 'read',
  access: byPath,
  holdsEvents: true,
  run(call, body) {
    readable(call, body.path);
    if (body.watch) addWatch(call, body.path, 'children');
    const stat = toStat(call.tree.stat(body.path) as ZnodeStat);
    return isShort(call, body.path) ? { children: childrenOf(call, body.path), stat } : listInSlices(call, body.path, stat);
  },
};

export const getACL: Read<'getACL'> = {
  kind: 'read',
  access: byPath,
  run(call, { path }) {
    requireRight(call, 'read', path);
    const node = call.tree.node(path);
    if (node === undefined) throw noNode(path);
    requireAcl(call.client, node.acl, perms.read | perms.admin, path);
    const stat = toStat(call.tree.stat(path) as ZnodeStat);
    const isAdmin = isAllowed(() => requireAcl(call.client, node.acl, perms.admin, path));
    // A reader is not shown the hashes of others' passwords (`FinalRequestProcessor`).
    const acl = isAdmin ? node.acl : node.acl.map((entry) => (entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:.*/s, ':x') } : entry));
    return { acl: toWireAcl(acl), stat };
  },
};

/** Alone, and not as part of a multi, it only says what is. */
export const check: Read<'check'> = {
  kind: 'read',
  access: byPath,
  run(call, { path, version }) {
    readable(call, path);
    const stat = call.tree.stat(path) as ZnodeStat;
    if (version !== -1 && version !== stat.version) {
      throw new ZookeeperError(errorCodes.badVersion, 'failed_precondition', `znode ${shown(path)} has version ${stat.version}, not ${version}`);
    }
    return { stat: toStat(stat) };
  },
};

export const getAllChildrenNumber: Read<'getAllChildrenNumber'> = {
  kind: 'read',
  access: byPath,
  async run(call, { path }) {
    readable(call, path);
    return { totalNumber: await inTurns(call, countBelow(call, path)) };
  },
};

export const getEphemerals: Read<'getEphemerals'> = {
  kind: 'read',
  access: { kind: 'filters', resources: ['znode', 'service', 'node'] },
  run(call, { prefixPath }) {
    const { client, context, options } = call;
    const prefix = prefixPath.trim() === '/' ? '' : prefixPath.trim();
    const ephemerals: string[] = [];
    for (const { path } of ephemeralsOf(context.registry.state, options.namespace, client.session.id)) {
      if (path.startsWith(prefix) && mayReadPath(call, client, path)) ephemerals.push(path);
    }
    return { ephemerals };
  },
};

export const multiRead: Read<'multiRead'> = {
  kind: 'read',
  access: byPath,
  run(call, { operations }) {
    const results: MultiResult[] = [];
    let children = 0;
    for (const operation of operations) {
      try {
        if (operation.op === 'getData') {
          const { data } = readable(call, operation.path);
          if (operation.watch) addWatch(call, operation.path, 'data');
          results.push({ op: 'getData', data, stat: toStat(call.tree.stat(operation.path) as ZnodeStat) });
        } else {
          readable(call, operation.path);
          children += call.tree.childrenMax(operation.path);
          // One answer is one turn of the event loop.
          if (children > childrenAtOnce) throw new ZookeeperError(errorCodes.badArguments, 'invalid_argument', `a multiRead lists more than ${childrenAtOnce} children, which is the limit`);
          if (operation.watch) addWatch(call, operation.path, 'children');
          results.push({ op: 'getChildren', children: childrenOf(call, operation.path) });
        }
      } catch (error) {
        results.push({ op: 'error', err: error instanceof ZookeeperError ? error.number : (codeOf(error) ?? errorCodes.systemError) });
      }
    }
    return { results };
  },
};

/** @throws RegistryError when the client may not read it, or it does not exist */
function readable(call: Call, path: string): TreeNode {
  requireRight(call, 'read', path);
  const node = call.tree.node(path);
  if (node === undefined) throw noNode(path);
  requireAcl(call.client, node.acl, perms.read, path);
  return node;
}

function isShort({ tree }: Call, path: string): boolean {
  return tree.childrenMax(path) <= childrenAtOnce;
}

/** Names that the client may see. */
function childrenOf(call: Call, path: string): string[] {
  const names: string[] = [];
  for (const name of call.tree.childNames(path)) if (name !== undefined && mayReadPath(call, call.client, childOf(path, name))) names.push(name);
  return names;
}

function* countBelow({ tree, turns }: Call, path: string): Work<number> {
  const steps = tree.countBelow(path);
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      if (turns.pace.spend(2)) yield;
    }
  } finally {
    steps.return(0);
  }
}

/** As the list is now; events of later changes wait behind it. */
function listInSlices(call: Call, path: string, stat: Stat | undefined): Promise<EncodedBody> {
  return inTurns(call, namesInSlices(call, path, stat));
}

function* namesInSlices(call: Call, path: string, stat: Stat | undefined): Work<EncodedBody> {
  const { tree, turns, client } = call;
  const moment = tree.moment();
  try {
    const names: string[] = [];
    let characters = 0;
    for (const name of tree.childNames(path, moment)) {
      if (name !== undefined && mayReadPath(call, client, childOf(path, name))) {
        names.push(name);
        characters += name.length;
      }
      if (turns.pace.spend(2)) yield;
    }
    const output = new JuteOutput(characters + names.length * 4 + 128);
    output.count(names.length);
    for (const name of names) {
      output.string(name);
      if (turns.pace.spend(1)) yield;
    }
    if (stat !== undefined) statRecord.write(output, stat);
    return new EncodedBody(output.content());
  } finally {
    moment.close();
  }
}

function inTurns<T>({ turns }: Call, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    turns.start(work).whenEnded((outcome) => {
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    });
  });
}

function assertNoNull(path: string): void {
  if (path.includes('\0')) throw new ZookeeperError(errorCodes.badArguments, 'invalid_argument', `path ${shown(path)} has a null character`);
}

function noNode(path: string): ZookeeperError {
  return new ZookeeperError(errorCodes.noNode, 'not_found', `znode ${shown(path)} does not exist`);
}

function isAllowed(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
