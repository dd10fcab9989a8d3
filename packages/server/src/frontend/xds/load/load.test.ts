/** Load reports of clients: what is counted, what is forgotten, and who may report. */

import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { grantor, management } from '../../../security/grantor.case.ts';
import { memory } from '../../../engine/memory/memory.ts';
import { startServer, type Server, type ServerOptions } from '../../../server.ts';
import { frontendTable } from '../../../frontends.ts';
import { findRecord } from '../../../registry/kind/record/find.ts';
import { membersOf } from '../../../registry/kind/member/find.ts';
import { Rendezvous } from '../../../registry/kind/member/rendezvous.ts';
import { register, XdsClient, xdsServer } from '../client.case.ts';
import { xds } from '../frontend.ts';
import { decode, encode } from '../wire/any.ts';
import { paths } from '../wire/schema.ts';
import { LoadBook, type Reported } from './load-book.ts';

const at = (zone: string, inProgress: number, more: Partial<Reported> = {}): Reported => ({ namespace: 'default', service: 'orders', region: 'eu', zone, succeeded: 0, failed: 0, inProgress, ...more });

test('requests in progress are those of the newest report of each client', () => {
  const book = new LoadBook();
  const [one, other] = [{}, {}];
  book.hear(one, [at('a', 3), at('b', 1)], 0);
  book.hear(other, [at('a', 2)], 0);
  expect([book.inProgress, [...book.loads()].map(({ zone, inProgress }) => `${zone} ${inProgress}`)]).toEqual([6, ['a 5', 'b 1']]);
  book.hear(one, [at('a', 1)], 0);
  expect([book.inProgress, [...book.loads()].map(({ zone, inProgress }) => `${zone} ${inProgress}`)]).toEqual([4, ['a 3', 'b 1']]);
  book.forget(one);
  expect(book.inProgress).toBe(2);
  book.forget(other);
  expect(book.inProgress).toBe(0);
});

test('the clusters of one service in one report are added up, and ended requests over all reports', () => {
  const book = new LoadBook();
  const client = {};
  book.hear(client, [at('a', 1, { succeeded: 5 }), at('a', 2, { failed: 1 })], 4);
  book.hear(client, [at('a', 0, { succeeded: 7 })], 1);
  expect([book.totals, book.inProgress]).toEqual([{ succeeded: 12, failed: 1, dropped: 5 }, 0]);
});

function report({ ports }: Server, token: string | undefined, ...messages: readonly object[]) {
  const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const same = (bytes: Buffer) => bytes;
  const stream = client.makeBidiStreamRequest(paths.load, same, same, metadata);
  const answers: unknown[] = [];
  stream.on('data', (bytes: Buffer) => answers.push(decode('LoadStatsResponse', bytes)));
  stream.on('error', () => {});
  const ended = new Promise<{ readonly code: number }>((resolve) => stream.on('status', resolve));
  for (const message of messages) stream.write(encode('LoadStatsRequest', message));
  return { stream, answers, ended };
}

const stats = (cluster: string, succeeded: number, inProgress: number) => ({
  cluster_name: cluster,
  upstream_locality_stats: [{ locality: { region: 'eu', zone: 'a' }, total_successful_requests: succeeded, total_requests_in_progress: inProgress }],
});

async function seen({ metrics }: Server): Promise<readonly [succeeded: number, inProgress: number]> {
  const page = await metrics.registry.metrics();
  const of = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(page)?.[1]);
  return [of('rollcall_xds_client_requests_succeeded_total'), of('rollcall_xds_client_requests_in_progress')];
}

test('a client is asked for all its clusters every ten seconds, and what it reports is in the metrics', async () => {
  const server = await xdsServer();
  const { stream, answers } = report(server, undefined, { node: { id: 'x' } }, { cluster_stats: [stats('orders', 7, 2), stats('orders~canary', 1, 1)] });
  await expect.poll(() => seen(server)).toEqual([8, 3]);
  expect(answers).toMatchObject([{ send_all_clusters: true, load_reporting_interval: { nanos: 0 } }]);
  stream.cancel();
  await expect.poll(() => seen(server)).toEqual([8, 0]);
});

test('a client can only report on services that it may read, and one with a wrong token none', async () => {
  const server = await xdsServer({ acl: { initialManagement: management } });
  const grants = grantor(server.registry);
  onTestFinished(() => grants.close());
  const { secret } = await grants.token('service "orders" { policy = "read" }');
  report(server, secret, { node: { id: 'x' }, cluster_stats: [stats('orders', 1, 0), stats('stock', 100, 0)] });
  await expect.poll(() => seen(server)).toEqual([1, 0]);
  const wrong = report(server, 'wrong', { node: { id: 'x' } });
  expect((await wrong.ended).code).toBe(status.UNAUTHENTICATED);
});

test('what is no report, or has no node, ends the stream with an error', async () => {
  const server = await xdsServer();
  expect((await report(server, undefined, {}).ended).code).toBe(status.INVALID_ARGUMENT);
  const { stream, ended } = report(server, undefined);
  stream.write(Buffer.from([0xff, 0xff]));
  expect((await ended).code).toBe(status.INVALID_ARGUMENT);
});

async function weighingServer(options: ServerOptions = {}): Promise<Server> {
  const server = await startServer({ grpc: {}, frontends: ['stream', 'xds', 'peer'], ...options }, { ...frontendTable, xds: { make: (context, { zoneLoads }) => xds(context, zoneLoads, { reportMs: 50 }) } });
  onTestFinished(() => server.close());
  if (options.nodeName === 'two') return server;
  for (const [n, zone] of ['eu-1', 'eu-2'].entries()) await register(server, 'orders', zone, { address: `10.0.0.${n + 1}`, region: 'eu', zone });
  return server;
}

interface Weighed {
  readonly endpoints: readonly { readonly locality: { readonly zone: string }; readonly load_balancing_weight: { readonly value: number }; readonly priority?: number }[];
}

type Shares = AsyncGenerator<readonly [share: number, zones: number, content: string]>;

/** Share of the first zone among the zones of the first level, how many zones that level has, and the whole content, with each response. */
async function* shares(server: Server, node: object): Shares {
  const client = new XdsClient(server, { node });
  client.ask('endpoints', ['orders']);
  for (;;) {
    const { messages } = await client.take();
    const level = (messages.get('orders') as Weighed).endpoints.filter(({ priority = 0 }) => priority === 0);
    const sum = level.reduce((all, each) => all + each.load_balancing_weight.value, 0);
    yield [(level.find(({ locality }) => locality.zone === 'eu-1')?.load_balancing_weight.value ?? 0) / sum, level.length, JSON.stringify(messages.get('orders'))];
  }
}

test.each<[string, object, readonly [number, number]]>([
  ['all zones of a region', { locality: { region: 'eu', zone: 'eu-1' } }, [0.5, 2]],
  ['its own zone first', { locality: { region: 'eu', zone: 'eu-1' }, metadata: { fields: { prefer: { string_value: 'zone' } } } }, [1, 1]],
])('a client that uses %s gets other weights in small steps while a zone is loaded, and the first ones again when the reports end', async (_name, node, first) => {
  const server = await weighingServer();
  const weights = shares(server, node);
  const next = async () => ((await weights.next()).value as readonly [number, number, string]).slice(0, 2) as unknown as readonly [number, number];
  expect(await next()).toEqual(first);
  const loaded = (inProgress: number) => ({ cluster_name: 'orders', upstream_locality_stats: [{ locality: { region: 'eu', zone: 'eu-1' }, total_requests_in_progress: inProgress }] });
  const { stream } = report(server, undefined, { node: { id: 'x' }, cluster_stats: [loaded(500)] });
  const falling: number[] = [first[0]];
  while ((falling.at(-1) as number) > 0.1) falling.push((await next())[0]);
  expect(falling).toEqual([...falling].sort((a, b) => b - a));
  // Two steps may come in one response when this machine is busy.
  expect(falling.length).toBeGreaterThan(4);
  stream.cancel();
  let last: readonly [number, number] = [0, 0];
  while (last[0] !== first[0] || last[1] !== first[1]) last = await next();
});

test('reports on services that do not exist are counted, and nothing is read for them', async () => {
  const server = await weighingServer();
  const load = (cluster_name: string) => ({ cluster_name, upstream_locality_stats: [{ locality: { region: 'eu', zone: 'eu-1' }, total_requests_in_progress: 500 }] });
  report(server, undefined, { node: { id: 'x' }, cluster_stats: [...Array.from({ length: 100 }, (_, at) => load(`none-${at}`)), load('orders')] });
  await expect.poll(() => findRecord(server.registry.state, 'default', 'xds-zone-weights', 'orders')).toMatchObject({ value: { zones: [{ region: 'eu', zone: 'eu-1' }] } });
  const page = await server.metrics.registry.metrics();
  expect(['rollcall_xds_services', 'rollcall_xds_client_requests_in_progress'].map((name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(page)?.[1]))).toEqual([1, 50_500]);
});

test('two nodes: reports to one move the weights at both, to the same endpoints, and go on when the one that takes the steps has left', async () => {
  const store = memory();
  onTestFinished(() => store.close());
  const engine = { ...store, exclusive: false, close: () => Promise.resolve() };
  const servers = [await weighingServer({ engine, nodeName: 'one' }), await weighingServer({ engine, nodeName: 'two' })] as const;
  const members = membersOf(servers[0].registry.state);
  const owner = new Rendezvous(members.map(({ nodeId }) => nodeId)).ownerOf('default\0orders');
  const isOwnerOne = members.find(({ nodeId }) => nodeId === owner)?.name === 'one';
  const [owning, hearing] = isOwnerOne ? servers : [servers[1], servers[0]];
  const loaded = (inProgress: number) => ({ node: { id: 'x' }, cluster_stats: [{ cluster_name: 'orders', upstream_locality_stats: [{ locality: { region: 'eu', zone: 'eu-1' }, total_requests_in_progress: inProgress }] }] });
  const { stream } = report(hearing, undefined, loaded(500));
  const place = { locality: { region: 'eu', zone: 'eu-1' } };
  const followers = [hearing, owning].map((server) => ({ weights: shares(server, place), contents: new Map<string, string>() }));
  const until = async ({ weights, contents }: (typeof followers)[number], isReached: (share: number) => boolean) => {
    for (;;) {
      const [share, , content] = (await weights.next()).value as readonly [number, number, string];
      contents.set(share.toFixed(3), content);
      if (isReached(share)) return;
    }
  };
  await Promise.all(followers.map(async (follower) => until(follower, (share) => share < 0.1)));
  // A reading may skip a step; each that both have seen has the same content.
  const [one, two] = followers.map(({ contents }) => contents);
  const both = [...(one?.keys() ?? [])].filter((share) => two?.has(share));
  expect(both.length).toBeGreaterThan(1);
  for (const share of both) expect(two?.get(share)).toBe(one?.get(share));
  await owning.close();
  stream.cancel();
  await until(followers[0] as (typeof followers)[number], (share) => share === 0.5);
});
