/**
 * The protocols as writers and readers of one registry, for tests. A writer says an instance in its own words; a reader returns what its
 * protocol shows of it, and says what that should be.
 */

import type { InstanceStatus } from '@rollcall/protocol';
import { onTestFinished } from 'vitest';
import { askOverTcp } from './frontend/dns/ask.case.ts';
import { hostsOf, NacosClient } from './frontend/nacos/grpc/client.case.ts';
import { newSession, SocketClient } from './frontend/stream/socket-client.case.ts';
import { memory } from './engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

/** What the registry knows of the instance that a writer has registered. */
export interface Said {
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly zone?: string;
  readonly region?: string;
  readonly cluster?: string;
  readonly node?: string;
}

export const place = { service: 'orders', address: '10.0.0.1', port: 8_080 } as const;

export async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ engine: memory(), nodeName: 'server-1', dns: { port: 0 }, nacos: { port: 0 }, ...options });
  onTestFinished(() => server.close());
  return server;
}

export async function send(server: Server, method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<string> {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
  const response = await fetch(server.url + path, { method, headers, ...json });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text;
}

export async function get<T>(server: Server, path: string, headers: Record<string, string> = { accept: 'application/json' }): Promise<T> {
  return JSON.parse(await send(server, 'GET', path, undefined, headers)) as T;
}

const query = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();

/** An instance that is registered; its registrant may remove it, or die. */
export interface Registered {
  readonly remove: () => Promise<unknown>;
  /** Ends the registrant without a goodbye. Without it, its heartbeats end when the test sends none. */
  readonly kill?: () => void;
  /** Says that it is about to leave. */
  readonly drain?: () => Promise<unknown>;
}

export interface Writer {
  readonly name: string;
  readonly said: Said;
  register(server: Server): Promise<Registered>;
}

const eurekaInstance = (more: object = {}) => ({
  ...{ instanceId: 'h1:orders:8080', app: 'ORDERS', hostName: 'h1.example', ipAddr: place.address, status: 'UP', vipAddress: 'orders-vip' },
  ...{ port: { $: place.port, '@enabled': 'true' }, securePort: { $: 8_443, '@enabled': 'false' } },
  ...{ dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' } },
  ...{ metadata: { team: 'core', zone: 'z1', region: 'r1', tags: 'blue,canary', weight: '3' }, ...more },
});

export const registerByEureka = (server: Server, more: object = {}) => send(server, 'POST', '/eureka/apps/ORDERS', { instance: eurekaInstance(more) });

export const nacosInstance = (more: Readonly<Record<string, string>> = {}) =>
  query({ serviceName: place.service, ip: place.address, port: String(place.port), weight: '3', clusterName: 'c1', metadata: '{"team":"core","zone":"z1","region":"r1","tags":"blue,canary"}', ...more });

export const writers: readonly Writer[] = [
  {
    name: 'Consul',
    said: { tags: ['blue', 'canary'], meta: { team: 'core' }, weight: 3, zone: 'z1', region: 'r1', node: 'server-1' },
    async register(server) {
      await send(server, 'PUT', '/v1/agent/service/register', {
        ...{ ID: 'o1', Name: place.service, Address: place.address, Port: place.port, Tags: ['blue', 'canary'], Meta: { team: 'core' } },
        ...{ Weights: { Passing: 3, Warning: 1 }, Locality: { Region: 'r1', Zone: 'z1' } },
        Check: { TTL: '10s', Status: 'passing', DeregisterCriticalServiceAfter: '1m' },
      });
      return { remove: () => send(server, 'PUT', '/v1/agent/service/deregister/o1') };
    },
  },
  {
    name: 'the native stream',
    said: { tags: ['blue', 'canary'], meta: { team: 'core' }, weight: 3, zone: 'z1', region: 'r1', cluster: 'c1', node: 'server-1' },
    async register(server) {
      const client = await SocketClient.greeted(server.url, { graceMs: 30_000, session: newSession() });
      onTestFinished(() => client.webSocket.terminate());
      const instance = { ...place, id: 'o1', tags: ['blue', 'canary'], meta: { team: 'core' }, weight: 3, zone: 'z1', region: 'r1', cluster: 'c1' };
      const answer = await client.ask({ type: 'register', instances: [instance] });
      if (answer.type !== 'done') throw new Error(JSON.stringify(answer));
      return { remove: () => client.ask({ type: 'deregister', instances: ['o1'] }), kill: () => client.webSocket.terminate(), drain: () => client.ask({ type: 'drain', instances: ['o1'] }) };
    },
  },
  {
    name: 'Eureka',
    // Eureka says all of it by metadata, which stays as it was written.
    said: { tags: ['blue', 'canary'], meta: { team: 'core', zone: 'z1', region: 'r1', tags: 'blue,canary', weight: '3' }, weight: 3, zone: 'z1', region: 'r1' },
    async register(server) {
      await registerByEureka(server);
      return { remove: () => send(server, 'DELETE', '/eureka/apps/ORDERS/h1:orders:8080') };
    },
  },
  {
    name: 'Nacos over HTTP',
    said: { tags: ['blue', 'canary'], meta: { team: 'core', zone: 'z1', region: 'r1', tags: 'blue,canary' }, weight: 3, zone: 'z1', region: 'r1', cluster: 'c1' },
    async register(server) {
      await send(server, 'POST', `/nacos/v1/ns/instance?${nacosInstance()}`);
      return { remove: () => send(server, 'DELETE', `/nacos/v1/ns/instance?${nacosInstance()}`) };
    },
  },
  {
    name: 'Nacos over gRPC',
    said: { tags: ['blue', 'canary'], meta: { team: 'core', zone: 'z1', region: 'r1', tags: 'blue,canary' }, weight: 3, zone: 'z1', region: 'r1', cluster: 'c1' },
    async register(server) {
      const client = await NacosClient.connected(server.ports['nacos-grpc'] as number);
      const more = { ip: place.address, weight: 3, clusterName: 'c1', metadata: { team: 'core', zone: 'z1', region: 'r1', tags: 'blue,canary' } };
      await client.register(place.service, place.port, more);
      return { remove: () => client.deregister(place.service, place.port, more), kill: () => client.kill() };
    },
  },
];

export interface Reader {
  readonly name: string;
  /** What the protocol shows of the instances of the service: nothing, or the one that is there. */
  read(server: Server): Promise<unknown>;
  /** The same, for an instance that was said so. */
  shows(said: Said, writer: string): unknown;
  /** The word of the protocol for each effective status. */
  readonly words: Readonly<Record<InstanceStatus, unknown>>;
  status(server: Server): Promise<unknown>;
}

interface ConsulEntry {
  readonly Node: { readonly Node: string };
  readonly Service: { readonly Service: string; readonly Address: string; readonly Port: number; readonly Tags: string[]; readonly Meta: object; readonly Weights: { readonly Passing: number }; readonly Locality?: object };
  readonly Checks: readonly { readonly Status: string }[];
}

const consulEntries = (server: Server) => get<ConsulEntry[]>(server, `/v1/health/service/${place.service}`);
const worst = (checks: ConsulEntry['Checks']) => ['critical', 'warning'].find((word) => checks.some(({ Status }) => Status === word)) ?? 'passing';

async function srv(server: Server): Promise<{ data: { port: number; priority: number; weight: number; target: string } }[]> {
  return (await askOverTcp(server.ports['dns'] as number, `${place.service}.service.consul`, 'SRV')).answers as never;
}

/** The address behind the target of an SRV record: that of the only instance. */
async function addresses(server: Server): Promise<string[]> {
  const { answers } = await askOverTcp(server.ports['dns'] as number, `${place.service}.service.consul`, 'A');
  return (answers as unknown as { data: string }[]).map(({ data }) => data);
}

export async function streamItems(server: Server): Promise<Record<string, unknown>[]> {
  const client = await SocketClient.greeted(server.url);
  const { items } = await client.ask({ type: 'get', view: { kind: 'service', name: place.service } });
  client.webSocket.terminate();
  return items as Record<string, unknown>[];
}

interface PortJson {
  readonly $: number;
  readonly '@enabled': string;
}

interface EurekaApps {
  readonly applications: { readonly application: readonly { readonly name: string; readonly instance: readonly { readonly ipAddr: string; readonly port: PortJson; readonly securePort: PortJson; readonly status: string; readonly metadata: object }[] }[] };
}

export async function eurekaInstances(server: Server) {
  const { applications } = await get<EurekaApps>(server, '/eureka/apps');
  return applications.application.filter(({ name }) => name === 'ORDERS').flatMap(({ instance }) => instance);
}

interface Host {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly clusterName: string;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly metadata: object;
}

// Hosts that are disabled are in the operator's list only.
export const nacosHosts = async (server: Server) => (await get<{ list?: Host[]; hosts?: Host[] }>(server, `/nacos/v1/ns/instance/list?serviceName=${place.service}`)).hosts ?? [];

async function grpcHosts(server: Server): Promise<Host[]> {
  const client = await NacosClient.connected(server.ports['nacos-grpc'] as number);
  const { body } = await client.ask('ServiceQueryRequest', { namespace: 'public', serviceName: place.service, groupName: 'DEFAULT_GROUP', cluster: '', healthyOnly: false });
  client.close();
  return hostsOf(body) as unknown as Host[];
}

const defined = (fields: Readonly<Record<string, string | undefined>>) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));

/** Metadata of a protocol that has no fields for the others. */
const asMetadata = ({ meta, zone, region, tags }: Said, weight?: string) => ({ ...defined({ zone, region, weight, tags: tags.join(',') }), ...meta });

const nacosHost = (host: Host) => ({ ip: host.ip, port: host.port, weight: host.weight, clusterName: host.clusterName, metadata: host.metadata });
const nacosShows = (said: Said) => ({ ip: place.address, port: place.port, weight: said.weight, clusterName: said.cluster ?? 'DEFAULT', metadata: asMetadata(said) });
const nacosWords = {
  ...{ passing: [true, true], warning: [true, true], critical: [false, true] },
  // A list for callers leaves out what takes no requests on purpose.
  ...{ starting: undefined, draining: undefined, maintenance: undefined },
};

export const labels = async (server: Server) => (await get<{ targets: string[]; labels: Record<string, string> }[]>(server, `/prometheus/v1/sd?service=${place.service}`)).map(({ targets, labels: all }) => ({ targets, labels: all }));

export const readers: readonly Reader[] = [
  {
    name: 'Consul',
    read: async (server) => (await consulEntries(server)).map(({ Service }) => ({ name: Service.Service, at: [Service.Address, Service.Port], tags: Service.Tags, meta: Service.Meta, weight: Service.Weights.Passing, locality: Service.Locality })),
    shows: ({ tags, meta, weight, zone, region }) => ({ name: place.service, at: [place.address, place.port], tags, meta, weight, locality: { Region: region, Zone: zone } }),
    words: { passing: 'passing', warning: 'warning', starting: 'critical', draining: 'critical', critical: 'critical', maintenance: 'critical' },
    status: async (server) => worst((await consulEntries(server))[0]?.Checks ?? []),
  },
  {
    name: 'DNS',
    read: async (server) => {
      const found = await addresses(server);
      return (await srv(server)).map(({ data }) => ({ port: data.port, weight: data.weight, addresses: found }));
    },
    // Tags only as part of a question; metadata, zone and cluster cannot be said.
    shows: ({ weight }) => ({ port: place.port, weight, addresses: [place.address] }),
    words: { passing: true, warning: true, starting: false, draining: false, critical: false, maintenance: false },
    status: async (server) => (await srv(server)).length > 0,
  },
  {
    name: 'the native stream',
    read: async (server) => (await streamItems(server)).map(({ service, address, port, tags, meta, weight, zone, region, cluster }) => ({ service, address, port, tags, meta, weight, zone, region, cluster })),
    shows: ({ tags, meta, weight, zone, region, cluster }) => ({ ...place, tags, meta, weight, zone, region, cluster }),
    words: { passing: 'passing', warning: 'warning', starting: 'starting', draining: 'draining', critical: 'critical', maintenance: 'maintenance' },
    status: async (server) => (await streamItems(server))[0]?.['status'],
  },
  {
    name: 'Eureka',
    read: async (server) => (await eurekaInstances(server)).map(({ ipAddr, port, metadata }) => ({ ipAddr, port: port.$, metadata })),
    // The cluster cannot be said.
    shows: (said, writer) => ({ ipAddr: place.address, port: place.port, metadata: writer === 'Eureka' ? said.meta : asMetadata(said, String(said.weight)) }),
    words: { passing: 'UP', warning: 'UP', starting: 'STARTING', draining: 'OUT_OF_SERVICE', critical: 'DOWN', maintenance: 'OUT_OF_SERVICE' },
    status: async (server) => (await eurekaInstances(server))[0]?.status,
  },
  {
    name: 'Nacos over HTTP',
    read: async (server) => (await nacosHosts(server)).map(nacosHost),
    shows: nacosShows,
    words: nacosWords,
    status: async (server) => (await nacosHosts(server)).map(({ healthy, enabled }) => [healthy, enabled])[0],
  },
  {
    name: 'Nacos over gRPC',
    read: async (server) => (await grpcHosts(server)).map(nacosHost),
    shows: nacosShows,
    words: nacosWords,
    status: async (server) => (await grpcHosts(server)).map(({ healthy, enabled }) => [healthy, enabled])[0],
  },
  {
    name: 'Prometheus',
    read: async (server) => (await labels(server)).map(({ targets, labels: { __meta_rollcall_id: _id, __meta_rollcall_status: _status, ...all } }) => ({ targets, ...all })),
    shows: ({ tags, meta, weight, zone, region, cluster, node }) => ({
      targets: [`${place.address}:${place.port}`],
      ...Object.fromEntries(
        Object.entries(
          defined({
            ...{ namespace: 'default', service: place.service, node, address: place.address, port: String(place.port), zone, region, cluster, weight: String(weight) },
            ...{ tags: tags.length === 0 ? undefined : `,${tags.join(',')},` },
            ...Object.fromEntries(Object.entries(meta).map(([key, value]) => [`meta_${key}`, value])),
          }),
        ).map(([name, value]) => [`__meta_rollcall_${name}`, value]),
      ),
    }),
    words: { passing: 'passing', warning: 'warning', starting: 'starting', draining: 'draining', critical: 'critical', maintenance: 'maintenance' },
    status: async (server) => (await labels(server))[0]?.labels['__meta_rollcall_status'],
  },
];
