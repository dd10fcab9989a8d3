/**
 * The import rules inside the client: the part of the import table for `packages/client`. Its folders form
 * layers, and imports only go down, so that each can be read and tested without those above it.
 *
 *     client.ts, connect.ts, integration/, grpc/, openfeature/        the objects that a program uses
 *     explain/                                          joins the reports of the parts below
 *     http/ ── telemetry/      source/ ── config/       sends requests; finds instances; follows configurations
 *     election/ ─► lock/                                leads, and holds locks, over the connection
 *     routing/              connection/ ── gossip/      chooses an endpoint; talks to the registry, or to a group without one
 *     resilience/                                       leaves endpoints out, limits and repeats requests
 *     balancer/                                         chooses one endpoint of a list
 *     hashing/ ── load-report/                          algorithms and figures
 *     clock, option-check, endpoint, event-listener, version  shared types of all folders
 */

import type { Zone } from './import-table.ts';

const client = 'packages/client/src';
const at = (...paths: readonly string[]): string[] => paths.map((path) => `${client}/${path}`);

/** Small files that every layer may use. */
const words = [...at('clock.ts', 'option-check.ts', 'endpoint.ts', 'event-listener.ts', 'version.ts'), '@rollcall/protocol'];

/** The port of balancers and what they learn from. */
const balancerPort = at('balancer/balancer.ts');

export const clientZones: readonly Zone[] = [
  {
    name: 'client: shared words',
    files: /^packages\/client\/src\/(clock|option-check|endpoint|event-listener|version)\.ts$/,
    may: words,
    reason: 'every folder of the client may import these files, so they import none of the folders',
  },
  {
    name: 'client: hashing',
    files: /^packages\/client\/src\/hashing\//,
    may: [...at('hashing/'), ...words, 'node:'],
    reason: 'hash structures are published on their own (@rollcall/client/hashing) and know no balancer',
  },
  {
    name: 'client: load reports',
    files: /^packages\/client\/src\/load-report\//,
    may: [...at('load-report/'), ...words, 'node:'],
    reason: 'servers import load reports without the rest of the client (@rollcall/client/load-report)',
  },
  {
    name: 'client: balancer',
    files: /^packages\/client\/src\/balancer\//,
    may: [...at('balancer/', 'hashing/', 'load-report/'), ...words],
    reason: 'a balancer chooses from a list that others have filtered; it knows neither ejection nor routing nor transports',
  },
  {
    name: 'client: resilience',
    files: /^packages\/client\/src\/resilience\//,
    may: [...at('resilience/'), ...balancerPort, ...words, 'node:'],
    reason: 'limits, budgets and ejection judge outcomes; which endpoint is chosen next is decided above them',
  },
  {
    name: 'client: routing',
    files: /^packages\/client\/src\/routing\//,
    may: [...at('routing/', 'balancer/', 'resilience/', 'hashing/', 'load-report/'), ...words],
    reason: 'routing chooses an endpoint for any transport, so it knows none',
  },
  {
    name: 'client: connection',
    files: /^packages\/client\/src\/connection\//,
    may: [...at('connection/'), ...words, 'node:', 'ws'],
    reason: 'the connection to the registry carries lists, and does not know the parts that choose from them',
  },
  {
    name: 'client: gossip',
    files: /^packages\/client\/src\/gossip\//,
    may: [...at('gossip/', 'connection/registry-link.ts', 'connection/view-name.ts'), ...words, '@rollcall/gossip'],
    reason: 'a group stands in the place of a registry, behind the port of links, and is loaded only when a program asks for it',
  },
  {
    name: 'client: sources',
    files: /^packages\/client\/src\/source\//,
    may: [...at('source/', 'connection/'), ...words, 'node:'],
    reason: 'a source finds instances; who chooses among them, and how they are asked, stands above it',
  },
  {
    name: 'client: locks',
    files: /^packages\/client\/src\/lock\//,
    may: [...at('lock/', 'connection/'), ...words],
    reason: 'a lock is held over the connection, and knows nothing of what its holders do; elections stand above it',
  },
  {
    name: 'client: elections',
    files: /^packages\/client\/src\/election\//,
    may: [...at('election/', 'lock/', 'connection/', 'source/follow.ts'), ...words, 'node:'],
    reason: 'an election is a lock whose holder leads, with fences for what the leader writes',
  },
  {
    name: 'client: configurations',
    files: /^packages\/client\/src\/config\//,
    may: [...at('config/', 'connection/', 'source/latest.ts'), ...words, 'node:'],
    reason: 'a configuration is followed over the connection, and knows neither instances nor requests',
  },
  {
    name: 'client: telemetry',
    files: /^packages\/client\/src\/telemetry\//,
    may: [...at('telemetry/', 'resilience/', 'http/connecting.ts'), ...words, '@opentelemetry/api'],
    reason: 'telemetry records what requests tell it, and decides nothing for them',
  },
  {
    name: 'client: http',
    files: /^packages\/client\/src\/http\//,
    may: [
      ...at('http/', 'routing/', 'resilience/', 'telemetry/', 'load-report/', 'connection/connection-failure.ts'),
      ...[...balancerPort, ...words, 'node:', 'undici'],
    ],
    reason: 'sending a request takes an endpoint from routing and tells it the outcome; it finds no instances itself',
  },
  {
    name: 'client: explain',
    files: /^packages\/client\/src\/explain\//,
    may: [...at('explain/', 'routing/', 'source/snapshot-source.ts'), ...balancerPort, ...words],
    reason: 'an explanation joins what the deciding parts say, so it imports them and none of them imports it',
  },
  {
    name: 'client for gRPC',
    files: /^packages\/client\/src\/grpc\//,
    may: [`${client}/`, '@rollcall/protocol', '@grpc/grpc-js', 'node:'],
    reason: 'grpc-js is an optional peer: only programs that import this subpath need it',
  },
  {
    name: 'client for OpenFeature',
    files: /^packages\/client\/src\/openfeature\//,
    may: ['OWN', ...at('config/'), '@rollcall/protocol', '@openfeature/server-sdk', 'node:'],
    reason: 'the SDK is an optional peer: only programs that import this subpath need it',
  },
  {
    name: 'client',
    files: /^packages\/client\//,
    may: [`${client}/`, '@rollcall/protocol', '@opentelemetry/api', 'ws', 'undici', 'node:'],
    reason: 'a program that installs the client gets few packages with it, and nothing of the server',
  },
];
