/**
 * Every option object that the package exports refuses options that there are not: a misspelt one would do nothing, and
 * say nothing. The table is complete: an option object that is new and stands in no row fails the first test.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as grpcPackage from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { channelOptions } from './grpc/index.ts';
import { BoundedLoads, JumpTable, MaglevTable, RingTable } from './hashing/index.ts';
import * as client from './index.ts';
import { grpcReports, httpReports } from './load-report/index.ts';

/** The wrong options, which the compiler would refuse. */
type Wrong = never;

let rollcall: client.Rollcall;
let service: client.ServiceClient;

beforeAll(async () => {
  rollcall = await client.connect({ servers: ['http://127.0.0.1:1'], onEvent: () => {} });
  service = new client.ServiceClient(new client.StaticSource({ web: ['127.0.0.1:1'] }), 'web');
});

afterAll(async () => {
  await service.close();
  await rollcall.close();
});

const ofService = (options: object) => new client.ServiceClient(new client.StaticSource(), 'web', options);
const ofServer = (options: object) => client.registerServer({ announce: () => expect.fail('it was registered') }, createServer(), options as Wrong);

type Refusal = readonly [give: (options: Wrong) => unknown, wrong: object, message: string];

/** By the name of the exported type; several when several take it. */
const refusals: Readonly<Record<string, readonly Refusal[]>> = {
  ConnectOptions: [[(options) => client.connect(options), { severs: [] }, 'connect has no option severs; did you mean servers?']],
  GossipOptions: [
    [(gossip) => client.connect({ gossip }), { sedes: [] }, 'gossip has no option sedes; did you mean seeds?'],
    [(gossip) => client.connect({ gossip }), { timing: { probeMs: 1 } }, 'gossip.timing has no option probeMs'],
  ],
  CredentialOptions: [[(options) => client.connect(options), { tokenfile: 'x' }, 'connect has no option tokenfile; did you mean tokenFile?']],
  RegisterOptions: [[(options) => rollcall.announce(options), { service: 'web', prot: 1 }, 'register has no option prot; did you mean port?']],
  RegisterWait: [[(wait) => rollcall.register({ service: 'web' }, wait), { timeout: 1 }, 'register has no option timeout; did you mean timeoutMs?']],
  WaitOptions: [
    [(options) => rollcall.services(options), { signl: 1 }, 'services has no option signl; did you mean signal?'],
    [(options) => rollcall.watchServices(options), { signl: 1 }, 'watchServices has no option signl'],
    [(options) => rollcall.kv.get('a', options), { signl: 1 }, 'kv.get has no option signl'],
    [(options) => rollcall.kv.list('a', options), { signl: 1 }, 'kv.list has no option signl'],
    [(options) => rollcall.kv.watch({ key: 'a' }, options), { signl: 1 }, 'kv.watch has no option signl'],
  ],
  KvPutOptions: [[(options) => rollcall.kv.put('a', 'b', options), { csa: 1 }, 'kv.put has no option csa; did you mean cas?']],
  ConfigOptions: [[(options) => rollcall.config('shop/main', options), { shema: {} }, 'config has no option shema; did you mean schema?']],
  ConfigWait: [[(wait) => rollcall.config('shop/main').whenReady(wait), { timeout: 1 }, 'whenReady has no option timeout; did you mean timeoutMs?']],
  FlagsOptions: [[(options) => rollcall.flags('shop/flags', options), { lables: {} }, 'flags has no option lables; did you mean labels?']],
  KvDeleteOptions: [[(options) => rollcall.kv.delete('a', options), { recursive: true }, 'kv.delete has no option recursive']],
  KvTarget: [[(target) => rollcall.kv.watch(target), { prefx: 'a' }, 'the target of kv.watch has no option prefx; did you mean prefix?']],
  StaticInstance: [
    [(instance) => new client.StaticSource({ web: [instance] }), { address: 'a', port: 1, wieght: 2 }, 'an instance of web has no option wieght; did you mean weight?'],
  ],
  FileSourceOptions: [[(options) => client.FileSource.open('none', options), { interval: 1 }, 'FileSource has no option interval; did you mean intervalMs?']],
  DnsSourceOptions: [[(options) => new client.DnsSource(options), { server: 1 }, 'DnsSource has no option server; did you mean servers?']],
  ExplainOptions: [[(options) => rollcall.explain('web', options), { header: {} }, 'explain has no option header; did you mean headers?']],
  PickOptions: [[(options) => service.pick(options), { excluded: [] }, 'pick has no option excluded; did you mean exclude?']],
  TryOptions: [[(options) => rollcall.dispatcher(options), { tries: 1 }, 'a request has no option tries']],
  ServiceOptions: [[ofService, { tryTimeout: 1 }, 'service has no option tryTimeout; did you mean tryTimeoutMs?']],
  ServicesOptions: [[(options) => rollcall.services(options), { namespce: 'a' }, 'services has no option namespce; did you mean namespace?']],
  NamespacedServiceOptions: [[(options) => rollcall.service('web', options), { namespce: 'a' }, 'service has no option namespce; did you mean namespace?']],
  LockOptions: [
    [(options) => rollcall.lock('a', options), { tll: 1 }, 'lock has no option tll; did you mean ttl?'],
    [(options) => rollcall.semaphore('a', 1, options), { wiat: 1 }, 'semaphore has no option wiat; did you mean wait?'],
    [(options) => rollcall.readWriteLock('a').read(options), { wiat: 1 }, 'read has no option wiat; did you mean wait?'],
  ],
  ElectionOptions: [[(options) => rollcall.election('a', options), { renewevery: 1 }, 'election has no option renewevery; did you mean renewEvery?']],
  CampaignOptions: [[(options) => rollcall.election('a').campaign(options), { sginal: 1 }, 'campaign has no option sginal; did you mean signal?']],
  LeadOptions: [[(options) => rollcall.election('a').lead(() => {}, options as never), { unfence: true }, 'lead has no option unfence; did you mean unfenced?']],
  TxnPutOptions: [[(options) => rollcall.txn().put('a', '', options), { csa: 1 }, 'put has no option csa; did you mean cas?']],
  TxnDeleteOptions: [[(options) => rollcall.txn().delete('a', options), { csa: 1 }, 'delete has no option csa; did you mean cas?']],
  TlsOptions: [[ofService, { tls: { servername: 'x' } }, 'tls has no option servername; did you mean serverName?']],
  ConnectionOptions: [[ofService, { connections: { idle: 1 } }, 'connections has no option idle; did you mean idleMs?']],
  EjectionOptions: [[ofService, { ejection: { max: 1 } }, 'ejection has no option max; did you mean maxMs?']],
  OutlierOptions: [[ofService, { ejection: { outliers: { interval: 1 } } }, 'ejection.outliers has no option interval; did you mean intervalMs?']],
  RetryBudgetOptions: [[ofService, { retryBudget: { persecond: 1 } }, 'retryBudget has no option persecond; did you mean perSecond?']],
  HedgingOptions: [[ofService, { hedging: { percentil: 1 } }, 'hedging has no option percentil; did you mean percentile?']],
  BreakerOptions: [[ofService, { breaker: { failureshare: 1 } }, 'breaker has no option failureshare; did you mean failureShare?']],
  ConcurrencyOptions: [[ofService, { concurrency: { minimum: 1 } }, 'concurrency has no option minimum']],
  RoutingOptions: [[ofService, { routing: { zones: {} } }, 'routing has no option zones; did you mean zone?']],
  SubsetOptions: [[ofService, { routing: { subset: { sise: 1 } } }, 'routing.subset has no option sise; did you mean size?']],
  PriorityOptions: [[ofService, { routing: { priority: { level: 1 } } }, 'routing.priority has no option level; did you mean levelOf?']],
  ZoneOptions: [[ofService, { routing: { zone: { own: 'a', caller: {} } } }, 'routing.zone has no option caller; did you mean callers?']],
  SpillByLoadOptions: [
    [ofService, { routing: { zone: { own: 'a', spillByLoad: { treshold: 1 } } } }, 'routing.zone.spillByLoad has no option treshold; did you mean threshold?'],
  ],
  WeightOptions: [[ofService, { routing: { weights: [{ select: { version: '1' }, wieght: 1 }] } }, 'an entry of routing.weights has no option wieght; did you mean weight?']],
  CanaryOptions: [[ofService, { routing: { canary: { select: {}, shares: 1 } } }, 'routing.canary has no option shares; did you mean share?']],
  Selector: [
    [ofService, { routing: { select: { tag: ['a'] } } }, 'routing.select has no option tag; did you mean tags?'],
    [ofService, { routing: { canary: { share: 0, select: { metta: {} } } } }, 'routing.canary.select has no option metta; did you mean meta?'],
  ],
  BoundedLoadOptions: [[(options) => client.boundedLoad(client.maglev(), options), { faktor: 1 }, 'boundedLoad has no option faktor; did you mean factor?']],
  C3Options: [[client.c3, { client: 1 }, 'c3 has no option client; did you mean clients?']],
  HashOptions: [
    [client.jump, { nameof: 1 }, 'jump has no option nameof; did you mean nameOf?'],
    [client.memento, { nameof: 1 }, 'memento has no option nameof'],
    [client.rendezvous, { nameof: 1 }, 'rendezvous has no option nameof'],
  ],
  MaglevBalancerOptions: [[client.maglev, { slot: 1 }, 'maglev has no option slot; did you mean slots?']],
  RingHashOptions: [[client.ringHash, { pointsPernode: 1 }, 'ringHash has no option pointsPernode; did you mean pointsPerNode?']],
  LeastRequestOptions: [[client.leastRequest, { bias: 1 }, 'leastRequest has no option bias']],
  LatencyOptions: [[client.responseTimeWeighted, { failure: 1 }, 'responseTimeWeighted has no option failure; did you mean failureMs?']],
  PeakEwmaOptions: [[client.peakEwma, { decay: 1 }, 'peakEwma has no option decay; did you mean decayMs?']],
  PickFirstOptions: [[client.pickFirst, { shufle: true }, 'pickFirst has no option shufle; did you mean shuffle?']],
  PrequalOptions: [[client.prequal, { poolsize: 1 }, 'prequal has no option poolsize; did you mean poolSize?']],
  SlowStartOptions: [[(options) => client.slowStart(client.leastRequest(), options), { window: 1 }, 'slowStart has no option window; did you mean windowMs?']],
  WebSocketOptions: [[(options) => client.openWebSocket(service, '/', options), { protocol: [] }, 'a WebSocket has no option protocol; did you mean protocols?']],
  LifecycleOptions: [[ofServer, { service: 'web', drain: 1 }, 'registerServer has no option drain; did you mean drainMs?']],
  HealthOptions: [[ofServer, { service: 'web', health: { chek: () => {} } }, 'health has no option chek; did you mean check?']],
  HttpReportOptions: [[httpReports, { metre: 1 }, 'httpReports has no option metre; did you mean meter?']],
  GrpcReportOptions: [[(options) => grpcReports(grpcPackage, options), { count: 1 }, 'grpcReports has no option count; did you mean counts?']],
  PolicyOptions: [
    [(options) => channelOptions('peak_ewma', options), { keyheader: 'x' }, 'channelOptions has no option keyheader; did you mean keyHeader?'],
    [(options) => channelOptions('round_robin', options), { balancer: { decayMs: 1 } }, 'round_robin has no option decayMs; it has none'],
  ],
  MethodOptions: [[(options) => channelOptions('peak_ewma', options), { methods: { 'a/b': { tries: 1 } } }, 'a method of channelOptions has no option tries']],
  RingOptions: [[(options) => new RingTable([], options), { points: 1 }, 'RingTable has no option points']],
  MaglevOptions: [[(options) => new MaglevTable([], options), { slot: 1 }, 'MaglevTable has no option slot; did you mean slots?']],
  BoundedLoadsOptions: [[(options) => new BoundedLoads(new JumpTable(1), options), { faktor: 1 }, 'BoundedLoads has no option faktor; did you mean factor?']],
};

/** Why they are in no row. */
const exempt: Readonly<Record<string, string>> = {
  ServiceAgentOptions: 'those of node:http, to which Node adds',
  FrameworkOptions: 'they are LifecycleOptions, and checked as such',
  InstanceFilter: 'a Selector or a function',
};

it('the table has every exported options object', async () => {
  const names = new Set<string>();
  for (const index of ['index.ts', 'hashing/index.ts', 'load-report/index.ts', 'grpc/index.ts']) {
    const text = await readFile(new URL(index, import.meta.url), 'utf8');
    for (const [, list = ''] of text.matchAll(/export (?:type )?\{([^}]*)\}/g)) {
      for (const [name] of list.matchAll(/\w*(?:Options|Wait|Filter|Selector|Target|StaticInstance)\b/g)) names.add(name);
    }
  }
  // Functions of that name, and what a table calls back.
  for (const other of ['channelOptions', 'EndpointFilter', 'NodeFilter']) names.delete(other);
  expect(names.size).toBeGreaterThan(40);
  expect([...names].sort()).toEqual([...Object.keys(refusals), ...Object.keys(exempt)].sort());
});

it.each(Object.entries(refusals).flatMap(([name, rows]) => rows.map((row) => [name, ...row] as const)))(
  '%s are refused when one is misspelt',
  async (_name, give, wrong, message) => {
    await expect((async () => void (await give(wrong as Wrong)))()).rejects.toThrow(message);
  },
);
