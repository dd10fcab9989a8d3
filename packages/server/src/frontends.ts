/**
 * The table of front ends: how each is created, its own listeners, and which front ends a server runs. A new
 * protocol is one entry here and one folder in `frontend/`.
 */

import { RegistryError } from '@rollcall/protocol';
import type { AccessKeys } from './frontend/apollo/access-keys.ts';
import { apollo } from './frontend/apollo/frontend.ts';
import type { AdminDeps } from './frontend/admin/deps.ts';
import { admin } from './frontend/admin/frontend.ts';
import { config } from './frontend/config/frontend.ts';
import { routes as configRoutes } from './frontend/config/routes.ts';
import { consul } from './frontend/consul/frontend.ts';
import { dns } from './frontend/dns/frontend.ts';
import { eureka } from './frontend/eureka/frontend.ts';
import { locks } from './frontend/locks/frontend.ts';
import { routes as lockRoutes } from './frontend/locks/routes.ts';
import { nacos } from './frontend/nacos/frontend.ts';
import type { Outward } from './frontend/eureka/peers/join.ts';
import type { PeerDeps } from './frontend/peer/deps.ts';
import { ofrep } from './frontend/ofrep/frontend.ts';
import { peer } from './frontend/peer/frontend.ts';
import { prometheus } from './frontend/prometheus/frontend.ts';
import { routes as prometheusRoutes } from './frontend/prometheus/routes.ts';
import { springConfig } from './frontend/spring-config/frontend.ts';
import { stream } from './frontend/stream/frontend.ts';
import { tcpAddress } from './listen-addresses.ts';
import type { Context, Frontend } from './net/frontend.ts';
import type { ListenAddress } from './net/listen-address.ts';
import type { DescribedRoute } from './net/open-api.ts';
import type { FrontendName, ServerOptions } from './server-options.ts';

/** Dependencies of some front ends beyond the context that all share. */
export interface Parts {
  readonly options: ServerOptions;
  readonly admin: AdminDeps;
  readonly peer: PeerDeps;
  readonly outward: Outward;
  readonly apolloKeys: AccessKeys;
}

export interface FrontendEntry {
  make(context: Context, parts: Parts): Frontend;
  /** Addresses of its own listeners, in addition to the HTTP listeners that all front ends share; none by default. */
  addresses?(options: ServerOptions): readonly ListenAddress[];
  /** Further addresses of plain HTTP, where all front ends are served as on the others; none by default. */
  httpAddresses?(options: ServerOptions): readonly ListenAddress[];
  /** Whether there are options for the front end; then it must run. */
  hasOptions?(options: ServerOptions): boolean;
  /** Its routes for the OpenAPI document; none by default, as for a protocol that others describe. */
  readonly described?: readonly DescribedRoute[];
  /** Whether it runs only when it has options or is named; otherwise it runs by default. */
  optional?: true;
}

export type FrontendTable = Readonly<Record<string, FrontendEntry>>;

export const frontendTable = {
  consul: { make: (context, parts) => consul(context, { backups: parts.admin, configurations: parts.options.configurationsInKv === true }) },
  stream: { make: (context) => stream(context) },
  admin: { make: (context, parts): Frontend => admin(context, parts.admin, described(parts.options)) },
  peer: { make: (context, parts) => peer(context, parts.peer) },
  eureka: {
    make: (context, { options, outward }) => eureka(context, options.eureka ?? {}, outward),
    httpAddresses: ({ eureka: options }) => (options === undefined || options.port === undefined ? [] : [{ name: 'eureka', at: tcpAddress(options), tokens: true, ...(options.tls === undefined ? {} : { tls: options.tls }) }]),
    hasOptions: (options) => options.eureka !== undefined,
  },
  nacos: {
    make: (context) => nacos(context),
    httpAddresses: ({ nacos: options }) => (options === undefined ? [] : [{ ...nacosAddress(options), name: 'nacos' }]),
    // Clients compute this port from that of HTTP.
    addresses: ({ nacos: options }) => (options === undefined ? [] : [{ ...nacosAddress(options, 1_000), name: 'nacos-grpc' }]),
    hasOptions: (options) => options.nacos !== undefined,
  },
  config: { make: (context) => config(context), described: configRoutes },
  prometheus: { make: (context) => prometheus(context), described: prometheusRoutes },
  locks: { make: (context) => locks(context), described: lockRoutes },
  ofrep: { make: (context) => ofrep(context) },
  'spring-config': { make: (context) => springConfig(context) },
  apollo: { make: (context, { apolloKeys }) => apollo(context, apolloKeys) },
  dns: {
    make: (context, { options }) => dns(context, options.dns),
    addresses: ({ dns: options = {} }) => [
      { name: 'dns', at: tcpAddress(options), tokens: false, optional: options.optional === true },
    ],
    hasOptions: (options) => options.dns !== undefined,
    optional: true,
  },
} as const satisfies Record<FrontendName, FrontendEntry>;

/** Routes of the front ends that run, for the OpenAPI document. */
function described(options: ServerOptions): readonly DescribedRoute[] {
  return chooseFrontends(options, frontendTable).flatMap((entry) => entry.described ?? []);
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
export function chooseFrontends(options: ServerOptions, table: FrontendTable): FrontendEntry[] {
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
    return isNamed ? [entry] : [];
  });
}
