/**
 * Mirrors a registration on a server, with its mark, in one transaction. Mirrored znodes are persistent: they belong to no session, so
 * nothing ends them but the end of what they mirror, or an operator.
 */

import { errorCodes } from '../../jute/codes.ts';
import type { Action } from './difference.ts';
import type { Layout } from './layout.ts';
import { containerFlag, openToAll, Refused, type View } from './view.ts';

/** @returns whether it was done; otherwise the group has changed meanwhile, and is to be compared again */
export async function perform(view: View, layout: Layout, group: string, action: Action): Promise<boolean> {
  const path = `${group}/${action.name}`;
  const mark = view.markOf(path);
  const steps = async () => {
    switch (action.kind) {
      case 'create':
        return view.write([znode(path, action.data), znode(mark, null)]);
      case 'update':
        return view.write([{ op: 'setData', path, data: action.data, version: action.version }]);
      case 'delete':
        return view.write([{ op: 'delete', path, version: action.version }, { op: 'delete', path: mark, version: -1 }]);
    }
  };
  try {
    await steps();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (action.kind !== 'create' || error.err !== errorCodes.noNode) return changedMeanwhile(error);
    await createParents(view, layout, group);
    await steps().catch((again: unknown) => changedMeanwhile(again));
  }
  view.forget(group, action.name);
  return true;
}

const znode = (path: string, data: Buffer | null) => ({ op: 'create' as const, path, data, acl: openToAll, flags: 0 });

/** Another client was quicker. */
const races: ReadonlySet<number> = new Set([errorCodes.noNode, errorCodes.nodeExists, errorCodes.badVersion]);

function changedMeanwhile(error: unknown): false {
  if (error instanceof Refused && races.has(error.err)) return false;
  throw error;
}

/** Curator's parents are containers, which go when they are empty, as they would have without the bridge. */
async function createParents(view: View, layout: Layout, group: string): Promise<void> {
  const flags = layout.inner === '' ? containerFlag : 0;
  for (const path of ancestors(group)) await view.create(path, null, flags);
  for (const path of ancestors(view.markOf(group))) await view.create(path, null, 0);
}

/** `/a`, `/a/b` and `/a/b/c` of `/a/b/c`. */
export function ancestors(path: string): string[] {
  const names = path.split('/').slice(1);
  return names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`);
}
