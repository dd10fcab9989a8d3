/** Requests about watches alone: persistent ones, their removal, and those of a client that has connected again. */

import { addWatchModes, errorCodes, watcherTypes } from '../../../jute/codes.ts';
import type { Work } from '../../../net/turns.ts';
import { shown } from '../../../registry/kind/znode/znode-error.ts';
import { ZookeeperError } from '../errors.ts';
import { mayReadPath, requireRight } from '../rights.ts';
import { addWatch as addOne } from '../watches/watch.ts';
import { everyKind, type WatchKind, type ZnodeEventType } from '../watches/watch-table.ts';
import type { Call, Read } from './request.ts';

const byPath = { kind: 'demands-by-name', resource: 'znode', verb: 'read' } as const;
const own = { kind: 'open', why: 'it is about watches of the client itself' } as const;

export const addWatch: Read<'addWatch'> = {
  kind: 'read',
  access: byPath,
  run(call, { path, mode }) {
    requireRight(call, 'read', path);
    if (mode !== addWatchModes.persistent && mode !== addWatchModes.persistentRecursive) {
      throw new ZookeeperError(errorCodes.badArguments, 'invalid_argument', `mode ${mode} of a watch is unknown; there are 0 and 1`);
    }
    addOne(call, path, mode === addWatchModes.persistent ? 'persistent' : 'recursive');
    return { err: 0 };
  },
};

export const checkWatches: Read<'checkWatches'> = {
  kind: 'read',
  access: own,
  run({ watches, client }, { path, type }) {
    if (!watches.has(path, client, kindsOf(type))) throw noWatcher(path);
    return {};
  },
};

export const removeWatches: Read<'removeWatches'> = {
  kind: 'read',
  access: own,
  run({ watches, client }, { path, type }) {
    if (!watches.remove(path, client, kindsOf(type))) throw noWatcher(path);
    return {};
  },
};

interface Watched {
  /** The newest zxid that the client has seen. */
  readonly relativeZxid: number;
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
  readonly persistentWatches?: readonly string[];
  readonly persistentRecursiveWatches?: readonly string[];
}

const again = {
  kind: 'read',
  access: byPath,
  run: (call: Call, watched: Watched) => setAgain(call, watched),
} as const;

export const setWatches: Read<'setWatches'> = again;
export const setWatches2: Read<'setWatches2'> = again;

/**
 * A client has connected again, maybe to another node. Watches of what has changed since it has seen the tree last fire at once; the others are
 * set (`DataTree.setWatches`), except those on paths that the client may not read any more.
 */
async function setAgain(call: Call, watched: Watched): Promise<Record<string, never>> {
  const { turns, client } = call;
  await new Promise<void>((resolve, reject) => {
    turns.start(setEach(call, watched)).whenEnded((outcome) => {
      if ('error' in outcome) reject(outcome.error);
      else resolve();
    });
  });
  client.flush();
  return {};
}

function* setEach(call: Call, watched: Watched): Work<void> {
  const { relativeZxid: seen } = watched;
  const { tree, turns } = call;
  const lists: readonly (readonly [readonly string[], WatchKind, (path: string) => ZnodeEventType | undefined])[] = [
    [watched.dataWatches, 'data', (path) => changedSince(tree.stat(path)?.mzxid, seen, 'changed')],
    [watched.existWatches, 'data', (path) => (tree.stat(path) === undefined ? undefined : 'created')],
    [watched.childWatches, 'children', (path) => changedSince(tree.stat(path)?.pzxid, seen, 'children')],
    [watched.persistentWatches ?? [], 'persistent', () => undefined],
    [watched.persistentRecursiveWatches ?? [], 'recursive', () => undefined],
  ];
  for (const [paths, kind, missed] of lists) {
    for (const path of paths) {
      setOne(call, path, kind, missed(path));
      if (turns.pace.spend(4)) yield;
    }
  }
}

function changedSince(zxid: number | undefined, seen: number, type: ZnodeEventType): ZnodeEventType | undefined {
  if (zxid === undefined) return 'deleted';
  return zxid > seen ? type : undefined;
}

function setOne(call: Call, path: string, kind: WatchKind, missed: ZnodeEventType | undefined): void {
  if (!mayReadPath(call, call.client, path)) return;
  if (missed === undefined) addOne(call, path, kind);
  else call.client.notifyOf(missed, path, call.tree.zxid);
}

const kinds: Readonly<Record<number, readonly WatchKind[]>> = {
  [watcherTypes.children]: ['children'],
  [watcherTypes.data]: ['data'],
  [watcherTypes.any]: everyKind,
  [watcherTypes.persistent]: ['persistent'],
  [watcherTypes.persistentRecursive]: ['recursive'],
};

/** @throws ZookeeperError */
function kindsOf(type: number): readonly WatchKind[] {
  const found = kinds[type];
  if (found === undefined) throw new ZookeeperError(errorCodes.badArguments, 'invalid_argument', `type ${type} of watches is unknown; there are 1 to 5`);
  return found;
}

function noWatcher(path: string): ZookeeperError {
  return new ZookeeperError(errorCodes.noWatcher, 'not_found', `the session has no such watch on ${shown(path)}`);
}
