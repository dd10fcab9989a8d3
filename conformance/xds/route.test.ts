/**
 * One command moves clients of every kind: `rollcall route set` reaches a running program with Rollcall's own client and another one with
 * gRPC's client of xDS, in the same registry, and neither has a call that fails.
 */

import * as grpc from '@grpc/grpc-js';
import { connect } from '@rollcall/client';
import { expect, onTestFinished, test } from 'vitest';
import { here } from '../../packages/cli/src/processes.case.ts';
import { channelOptions, registerRollcall } from '../../packages/client/src/grpc/index.ts';
import { createServer } from '../../packages/server/src/server.ts';
import { register, startBackend } from './backends.ts';
import { Caller } from './caller.ts';

const same = (bytes: Buffer) => bytes;

/** Calls through Rollcall's own client all the time. */
async function ownCaller(url: string) {
  const rollcall = await connect({ servers: [url], onEvent: () => {} });
  const leave = registerRollcall(rollcall.source);
  const channel = new grpc.Client('rollcall:///orders', grpc.credentials.createInsecure(), channelOptions());
  const over = new AbortController();
  const lines: string[] = [];
  const failures: string[] = [];
  let wake = () => {};
  const call = () =>
    new Promise<string>((resolve, reject) => {
      channel.makeUnaryRequest('/test.Echo/Who', same, same, Buffer.alloc(0), { deadline: Date.now() + 20_000 }, (error, value) => (error === null ? resolve(String(value)) : reject(error)));
    });
  const flow = (async () => {
    while (!over.signal.aborted) {
      await call().then(
        (name) => lines.push(name),
        (error: Error) => failures.push(error.message),
      );
      wake();
    }
  })();
  onTestFinished(async () => {
    over.abort();
    await flow;
    channel.close();
    leave();
    await rollcall.close();
  });
  /** Resolves when the names in the last answers are as wanted. */
  const until = (isWanted: (names: readonly string[]) => boolean) =>
    new Promise<void>((resolve) => {
      wake = () => {
        if (lines.length >= 20 && isWanted([...new Set(lines.slice(-20))])) resolve();
      };
    });
  /** The same, when they were answered by these backends, all of them, and no other. */
  const answeredBy = (...names: readonly string[]) => until((last) => last.length === names.length && names.every((name) => last.includes(name)));
  return { until, answeredBy, failures };
}

test('rollcall route set moves a client of Rollcall and a client of xDS alike', async () => {
  const server = await createServer({ http: { port: 0 }, grpc: {} });
  onTestFinished(() => server.close());
  for (const [name, version] of [['one', '1'], ['two', '2']] as const) {
    const backend = await startBackend(name);
    onTestFinished(() => backend.close());
    await register(server.registry, 'orders', backend, { meta: { version } });
  }
  const xds = new Caller({ ports: [server.ports.grpc as number], target: 'xds:///orders' });
  onTestFinished(() => xds.close());
  const own = await ownCaller(server.url);
  const both = (...names: readonly string[]) => Promise.all([own.answeredBy(...names), xds.answeredBy(...names)]);
  const set = async (...options: readonly string[]) => expect(await here(['route', 'set', 'orders', ...options, '--addr', server.url])).toMatchObject({ code: 0, stderr: '' });
  await both('one', 'two');
  await set('--subset', '1');
  await Promise.all([own.until((names) => names.length === 1), xds.until('answers of one instance', (lines) => new Set(lines).size === 1)]);
  await set('--unset', 'subset');
  await both('one', 'two');
  await set('--canary', 'version=2:0%');
  await both('one');
  await set('--canary', 'version=2:50%');
  await both('one', 'two');
  await set('--canary', 'version=2:100%');
  await both('two');
  await set('--unset', 'canary', '--select', 'version=1');
  await both('one');
  expect(await here(['route', 'delete', 'orders', '--addr', server.url])).toMatchObject({ code: 0 });
  await both('one', 'two');
  expect([own.failures, xds.outcomes.failures]).toEqual([[], []]);
});
