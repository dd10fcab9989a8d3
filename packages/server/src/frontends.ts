/**
 * The table of front ends: how each is created, its own listeners, and which front ends a server runs. A new
 * protocol is one entry here and one folder in `frontend/`. The table imports no front end: `make` loads its program.
 */

import { fileURLToPath } from 'node:url';
import { RegistryError } from '@rollcall/protocol';
import type { ZoneLoads } from './clients/zone-loads.ts';
import type { AdminDeps } from './frontend/admin/deps.ts';
import type { AccessKeys } from './frontend/apollo/access-keys.ts';
import type { Outward } from './frontend/eureka/peers/join.ts';
import type { PeerDeps } from './frontend/peer/deps.ts';
import type { Send } from './outbound/http-request.ts';
import { tcpAddress } from './listen-addresses.ts';
import type { Context, Frontend } from './net/frontend.ts';
import { LateFrontend } from './net/late-frontend.ts';
import type { ListenAddress } from './net/listen-address.ts';
import type { DescribedRoute } from './net/open-api.ts';
import type { FrontendName, ServerOptions } from './server-options.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

/** Dependencies of some front ends beyond the context that all share. */
export interface Parts {
  readonly options: ServerOptions;
  readonly admin: AdminDeps;
  readonly peer: PeerDeps;
  readonly outward: Outward;
  readonly apolloKeys: AccessKeys;
  /** Sends requests to addresses that instances name. */
  readonly send: Send;
  readonly webhooks: Webhooks;
  readonly zoneLoads: ZoneLoads;
}

export interface FrontendEntry {
  /** Loads the program of the front end and creates it. */
  make(context: Context, parts: Parts): Frontend | Promise<Frontend>;
  /**
   * The paths of a front end that is loaded late (`net/late-frontend.ts`): as it declares them itself. It has HTTP only, unless it has options;
   * then it is created with the server, as are those without this field.
   */
  readonly late?: readonly string[];
  /** As `HttpService.home`, of a front end that is loaded late. */
  readonly home?: string;
  /** Addresses of its own listeners, in addition to the HTTP listeners that all front ends share; none by default. */
  addresses?(options: ServerOptions): readonly ListenAddress[];
  /** Further addresses of plain HTTP, where all front ends are served as on the others; none by default. */
  httpAddresses?(options: ServerOptions): readonly ListenAddress[];
  /** Whether there are options for the front end; then it must run. */
  hasOptions?(options: ServerOptions): boolean;
  /** Its routes for the OpenAPI document; none by default, as for a protocol that others describe. */
  described?(): Promise<readonly DescribedRoute[]>;
  /** Whether it runs only when it has options or is named; otherwise it runs by default. */
  optional?: true;
}

/** Beside the sources and beside the built server alike. */
const builtConsole = fileURLToPath(new URL('../console', import.meta.url));

export type FrontendTable = Readonly<Record<string, FrontendEntry>>;

export const frontendTable = {
  consul: { make: async (context, parts) => (await import('./frontend/consul/frontend.ts')).consul(context, { backups: parts.admin, configurations: parts.options.configurationsInKv === true }) },
  stream: { make: async (context) => (await import('./frontend/stream/frontend.ts')).stream(context) },
  admin: { make: async (context, parts) => (await import('./frontend/admin/frontend.ts')).admin(context, parts.admin, () => described(parts.options)) },
  peer: { make: async (context, parts) => (await import('./frontend/peer/frontend.ts')).peer(context, parts.peer) },
  eureka: {
    late: ['/eureka/', '/v2/'],
    make: async (context, { options, outward }) => (await import('./frontend/eureka/frontend.ts')).eureka(context, options.eureka ?? {}, outward),
    httpAddresses: ({ eureka: options }) => (options === undefined || options.port === undefined ? [] : [{ name: 'eureka', at: tcpAddress(options), tokens: true, ...(options.tls === undefined ? {} : { tls: options.tls }) }]),
    hasOptions: (options) => options.eureka !== undefined,
  },
  nacos: {
    late: ['/nacos'],
    make: async (context) => (await import('./frontend/nacos/frontend.ts')).nacos(context),
    httpAddresses: ({ nacos: options }) => (options === undefined ? [] : [{ ...nacosAddress(options), name: 'nacos' }]),
    // Clients compute this port from that of HTTP.
    addresses: ({ nacos: options }) => (options === undefined ? [] : [{ ...nacosAddress(options, 1_000), name: 'nacos-grpc' }]),
    hasOptions: (options) => options.nacos !== undefined,
  },
  config: {
    late: ['/rollcall/v1/config'],
    make: async (context) => (await import('./frontend/config/frontend.ts')).config(context),
    described: async () => (await import('./frontend/config/routes.ts')).routes,
  },
  prometheus: {
    late: ['/prometheus/'],
    make: async (context) => (await import('./frontend/prometheus/frontend.ts')).prometheus(context),
    described: async () => (await import('./frontend/prometheus/routes.ts')).routes,
  },
  locks: {
    late: ['/rollcall/v1/locks'],
    make: async (context) => (await import('./frontend/locks/frontend.ts')).locks(context),
    described: async () => (await import('./frontend/locks/routes.ts')).routes,
  },
  keys: {
    late: ['/rollcall/v1/keys'],
    make: async (context) => (await import('./frontend/keys/frontend.ts')).keys(context),
    described: async () => (await import('./frontend/keys/routes.ts')).described,
  },
  routes: {
    late: ['/rollcall/v1/routes'],
    make: async (context) => (await import('./frontend/routes/frontend.ts')).routeRules(context),
    described: async () => (await import('./frontend/routes/routes.ts')).routes,
  },
  actions: {
    late: ['/rollcall/v1/actions'],
    make: async (context) => (await import('./frontend/actions/frontend.ts')).actions(context),
    described: async () => (await import('./frontend/actions/routes.ts')).described,
  },
  catalog: {
    late: ['/rollcall/v1/nodes', '/rollcall/v1/instances'],
    make: async (context) => (await import('./frontend/catalog/frontend.ts')).catalog(context),
    described: async () => (await import('./frontend/catalog/routes.ts')).described,
  },
  ofrep: { late: ['/ofrep/'], make: async (context) => (await import('./frontend/ofrep/frontend.ts')).ofrep(context) },
  'spring-config': { late: ['/spring/'], make: async (context) => (await import('./frontend/spring-config/frontend.ts')).springConfig(context) },
  apollo: {
    late: ['/services/config', '/configs/', '/configfiles/', '/notifications/v2', '/apollo/'],
    make: async (context, { apolloKeys }) => (await import('./frontend/apollo/frontend.ts')).apollo(context, apolloKeys),
  },
  console: {
    late: ['/ui', '/rollcall/v1/health', '/rollcall/v1/search', '/rollcall/v1/overview'],
    home: '/ui/',
    make: async (context, { options, admin }) =>
      (await import('./frontend/console/frontend.ts')).webConsole(context, {
        folder: options.consoleFolder ?? builtConsole,
        environment: options.consoleEnvironment,
        freezes: async () => (await admin.cluster()).facts.map(({ liveness }) => liveness),
        certificates: async () => (await admin.cluster()).facts.flatMap(({ certificates }) => certificates),
      }),
    described: async () => (await import('./frontend/console/routes.ts')).described,
  },
  history: {
    late: ['/rollcall/v1/history'],
    make: async (context) => (await import('./frontend/history/frontend.ts')).historyOf(context),
    described: async () => (await import('./frontend/history/routes.ts')).described,
  },
  clients: {
    late: ['/rollcall/v1/clients', '/rollcall/v1/topology'],
    make: async (context) => (await import('./frontend/clients/frontend.ts')).connectedClients(context),
    described: async () => (await import('./frontend/clients/routes.ts')).described,
  },
  access: {
    late: ['/rollcall/v1/access'],
    make: async (context) => (await import('./frontend/access/frontend.ts')).access(context),
    described: async () => (await import('./frontend/access/routes.ts')).routes,
  },
  activity: {
    late: ['/rollcall/v1/activity'],
    make: async (context) => (await import('./frontend/activity/frontend.ts')).activity(context),
    described: async () => (await import('./frontend/activity/routes.ts')).routes,
  },
  webhooks: {
    late: ['/rollcall/v1/webhooks'],
    make: async (context, parts) => (await import('./frontend/webhooks/frontend.ts')).webhooks(context, parts.webhooks),
    described: async () => (await import('./frontend/webhooks/routes.ts')).routes,
  },
  agents: {
    late: ['/v0.1/', '/rollcall/v1/agents'],
    make: async (context, { send }) => (await import('./frontend/agents/frontend.ts')).agents(context, send),
    described: async () => (await import('./frontend/agents/routes.ts')).described,
  },
  xds: { make: async (context, { zoneLoads }) => (await import('./frontend/xds/frontend.ts')).xds(context, zoneLoads) },
  flagd: { make: async (context) => (await import('./frontend/flagd/frontend.ts')).flagd(context) },
  dns: {
    make: async (context, { options }) => (await import('./frontend/dns/frontend.ts')).dns(context, options.dns),
    addresses: ({ dns: options = {} }) => [
      { name: 'dns', at: tcpAddress(options), tokens: false, optional: options.optional === true },
    ],
    hasOptions: (options) => options.dns !== undefined,
    optional: true,
  },
  zookeeper: {
    make: async (context, { options }) => (await import('./frontend/zookeeper/frontend.ts')).zookeeper(context, options.zookeeper),
    addresses: ({ zookeeper: options }) => (options === undefined ? [] : [{ name: 'zookeeper', at: tcpAddress(options), tokens: true, ...(options.tls === undefined ? {} : { tls: options.tls }) }]),
    hasOptions: (options) => options.zookeeper !== undefined,
    optional: true,
  },
} as const satisfies Record<FrontendName, FrontendEntry>;

/** Routes of the front ends that run, for the OpenAPI document. */
async function described(options: ServerOptions): Promise<readonly DescribedRoute[]> {
  return (await Promise.all(chooseFrontends(options, frontendTable).map(async ({ entry }) => entry.described?.() ?? []))).flat();
}

/** A front end that a server runs. */
export interface Chosen {
  readonly name: string;
  readonly entry: FrontendEntry;
}

/** Creates it now, or so that its program is loaded when a client needs it. */
export async function makeFrontend({ name, entry }: Chosen, context: Context, parts: Parts): Promise<Frontend> {
  const { late } = entry;
  if (late === undefined || entry.hasOptions?.(parts.options) === true) return entry.make(context, parts);
  return new LateFrontend({ name, prefixes: late, home: entry.home, make: async () => entry.make(context, parts), log: context.log });
}

/** @param offset of the port; a free port has none */
function nacosAddress({ tls, ...tcp }: NonNullable<ServerOptions['nacos']>, offset = 0): Omit<ListenAddress, 'name'> {
  const { host, port } = tcpAddress(tcp);
  if (port + offset > 65_535) {
    throw new RegistryError('invalid_argument', `the port of Nacos is ${port}, and gRPC is served ${offset} above it; choose a port up to ${65_535 - offset}`);
  }
  return { at: { host, port: port === 0 ? 0 : port + offset }, tokens: true, ...(tls === undefined ? {} : { tls }) };
}

/**
 * The front ends that a server with these options runs, in the order of the table.
 * @throws RegistryError `invalid_argument` when one is unknown, or has options but is not named
 */
export function chooseFrontends(options: ServerOptions, table: FrontendTable): Chosen[] {
  const { frontends: named } = options;
  const unknown = named?.find((name) => table[name] === undefined);
  if (unknown !== undefined) {
    throw new RegistryError('invalid_argument', `there is no front end ${JSON.stringify(unknown)}; there are ${Object.keys(table).join(', ')}`);
  }
  return Object.entries(table).flatMap(([name, entry]) => {
    const hasOptions = entry.hasOptions?.(options) === true;
    const isNamed = (named as readonly string[] | undefined)?.includes(name) ?? (hasOptions || entry.optional !== true);
    if (hasOptions && !isNamed) {
      throw new RegistryError('invalid_argument', `there are options for ${name}, but frontends does not name it; add it or leave its options out`);
    }
    return isNamed ? [{ name, entry }] : [];
  });
}
