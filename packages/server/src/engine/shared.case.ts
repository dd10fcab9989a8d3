/**
 * The guarantees of an engine that several replicas share. Each engine that can be shared calls
 * `sharedEngineCases` from its test; the cases themselves are beside the replica, since they are about both.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { sharedCases } from '../replica/shared-cases.case.ts';
import type { SharedCase, World } from '../replica/shared-world.case.ts';
import { everything } from '../replica/shared-commands.case.ts';
import { testNode, type Fault, type TestNode } from '../replica/test-node.case.ts';
import { turnsUntil } from '../turns-until.case.ts';
import type { EngineUnderTest } from './engine.case.ts';

/** @param open an engine with an empty store, a new one for each test */
export function sharedEngineCases(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`engine ${name}, shared by replicas`, () => {
    let opened: EngineUnderTest | undefined;

    afterEach(async () => {
      await opened?.engine.close();
      await opened?.discard?.();
      opened = undefined;
    });

    for (const each of sharedCases) {
      it(each.name, async () => {
        opened = await open();
        await runShared(opened, each);
      });
    }
  });
}

/**
 * Runs one case and compares the nodes.
 * @param fault what is wrong with every node
 */
export async function runShared({ engine }: EngineUnderTest, { run }: SharedCase, fault: Fault = {}): Promise<void> {
  const nodes: TestNode[] = [];
  const start = async () => {
    const node = await testNode(engine, fault);
    nodes.push(node);
    return node;
  };
  const settle = async () => {
    const revision = await engine.barrier();
    for (const node of nodes) node.go();
    for (const { replica } of nodes) await turnsUntil(() => replica.state.revision >= revision);
  };
  try {
    const world: World = { a: await start(), b: await start(), c: await start(), settle };
    await run(world);
    await settle();
    const [first, ...others] = [...nodes, await start()].map(({ replica }) => everything(replica));
    for (const other of others) expect(other).toEqual(first);
  } finally {
    for (const node of nodes) {
      node.go();
      await node.close();
    }
  }
}
