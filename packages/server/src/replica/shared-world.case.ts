/** What the cases of a shared engine have in common: nodes on one engine, of which one decides on a state that lags. */

import type { Command, Result } from '../registry/kinds.ts';
import type { TestNode } from './test-node.case.ts';

/** Nodes on one engine; `c` only where a case needs a third one. */
export interface World {
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
  /** Waits until every node has applied what was committed, held back or not. */
  readonly settle: () => Promise<void>;
}

export interface SharedCase {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

/** Submits to a node whose feed is held, and lets the feed go on once the node has decided. */
export async function late<C extends Command>(node: TestNode, command: C): Promise<Result<C>> {
  const done = node.replica.submit(command);
  await Promise.race([done.catch(() => {}), node.decided()]);
  node.go();
  return done;
}

export async function all(node: TestNode, ...commands: Command[]): Promise<void> {
  for (const command of commands) await node.replica.submit(command);
}

/** `b` has everything, and from now on nothing more, until it has decided. */
export async function lag({ b, settle }: World): Promise<void> {
  await settle();
  b.hold();
}
