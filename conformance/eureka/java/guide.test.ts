/** docs/guides/from-eureka.md, typed in, with a real Eureka server and a Spring application that moves when the guide says so. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { playEurekaGuide } from '../../../tools/from-eureka.ts';
import { blocksOf } from '../../../tools/markdown.ts';
import { freePort } from '../../free-ports.mjs';
import { eurekaProblem, startEurekaApplication, startRealEureka } from '../start.mjs';

const problem = eurekaProblem();
it('the programs are built', () => expect(problem).toBeUndefined());

it.runIf(problem === undefined)('an operator of a Eureka server can follow the guide, and the application moves', { timeout: 600_000 }, async () => {
  const http = await freePort();
  const newUrl = `http://127.0.0.1:${http}/eureka`;
  const eureka = await startRealEureka({ peers: [newUrl] });
  const orders = { name: 'orders', leaseSeconds: 30 };
  const old = await startEurekaApplication({ ...orders, eurekaUrl: eureka.url });
  const started = [old];
  let moved: Promise<void> | undefined;
  const move = async () => {
    started.push(await startEurekaApplication({ ...orders, eurekaUrl: newUrl }));
    await old.stop();
  };
  try {
    const blocks = blocksOf(readFileSync(new URL('../../../docs/guides/from-eureka.md', import.meta.url), 'utf8'));
    await playEurekaGuide(blocks, { http, oldUrl: eureka.url, timeoutMs: 180_000, onWaiting: () => void (moved = move()), onStopping: () => void eureka.stop() });
    await moved;
    expect(moved).toBeDefined();
  } finally {
    await Promise.all(started.map((each) => each.kill()));
    await eureka.kill();
  }
});
