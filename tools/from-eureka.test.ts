/**
 * docs/guides/from-eureka.md, typed in. Another Rollcall stands for the Eureka server; `conformance/eureka/java/guide.test.ts` plays the
 * same with a real one.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { playEurekaGuide } from './from-eureka.ts';
import { freePort } from '../conformance/free-ports.mjs';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';

it('an operator of Eureka can follow the guide, and its applications move without being lost', async () => {
  const http = await freePort();
  const old = await createServer({ frontends: ['eureka', 'admin'], eureka: { peers: [`http://127.0.0.1:${http}/eureka`] } });
  const oldUrl = `${old.url}/eureka`;
  const newUrl = `http://127.0.0.1:${http}/eureka`;
  let moved: Promise<void> | undefined;
  // The client of one application: it registers at the old server, and moves to the new one when the guide says so.
  await fetch(`${oldUrl}/apps/ORDERS`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ instance: orders }) });
  const move = async () => {
    expect((await fetch(`${newUrl}/apps/ORDERS/o1`, { method: 'PUT' })).status).toBe(200);
    await old.close();
  };
  try {
    const blocks = blocksOf(readFileSync(join(root, 'docs/guides/from-eureka.md'), 'utf8'));
    await playEurekaGuide(blocks, { http, oldUrl, onWaiting: () => void (moved = move()) });
    await moved;
    expect(moved).toBeDefined();
  } finally {
    await old.close();
  }
});

const orders = {
  ...{ instanceId: 'o1', app: 'ORDERS', hostName: '127.0.0.1', ipAddr: '127.0.0.1', status: 'UP', port: { $: 8080, '@enabled': 'true' }, vipAddress: 'orders' },
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
};
