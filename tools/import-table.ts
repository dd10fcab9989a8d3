/**
 * Who may import what, and why. The first zone whose pattern matches a file's path is the file's
 * zone. Type imports count like all others: a folder that only names another one's types cannot be
 * read without it either. Tests and shared test suites are free.
 */

import { posix } from 'node:path';
import { clientZones } from './client-zones.ts';
import { frontendZones } from './frontend-zones.ts';
import { gossipZones } from './gossip-zones.ts';
import { roomZones } from './room-zones.ts';
import { codeOf, lineAt, type SourceFile } from './source-files.ts';

export interface Zone {
  readonly name: string;
  /** Paths from the root. A group called `own` is the folder of a front end or an engine. */
  readonly files: RegExp;
  /**
   * Allowed imports: packages, `node:`, and paths from the root, where `/` at the end means
   * everything below, `/*` the files right there. `OWN` is the file's own folder, `OWN/x.ts` one file of it.
   */
  readonly may: readonly string[];
  readonly reason: string;
}

const server = 'packages/server/src';

/** Plain data and ports that every part of the server may name. */
const serverPorts = ['@rollcall/protocol', `${server}/clock.ts`, `${server}/in-turns.ts`, `${server}/options.ts`];

const registry = `${server}/registry`;

/** How a client chooses an instance, which the console explains. */
const choiceOfAnInstance = ['balancer/seeded-random.ts', 'choosing.ts', 'routed-options.ts', 'explain/'].map((path) => `packages/client/src/${path}`);

/** A plain data structure for the state machine and engines. */
const keyMap = `${server}/key-map.ts`;

export const zones: readonly Zone[] = [
  {
    name: 'protocol',
    files: /^packages\/protocol\//,
    may: ['packages/protocol/src/'],
    reason: 'the vocabulary runs wherever JavaScript runs, so it imports nothing, not even node:',
  },
  ...gossipZones,
  ...clientZones,
  {
    name: 'console',
    files: /^packages\/console\//,
    may: ['packages/console/', 'packages/server/src/filter/', ...choiceOfAnInstance, '@noble/hashes', '@rollcall/protocol', 'solid-js', '@tanstack/solid-virtual', 'cytoscape', 'uplot', '@codemirror/', '@lezer/', 'vite', 'vite-plugin-solid', 'node:'],
    reason: 'the console runs in browsers: it shares words and filter expressions with the server, the choice of an instance with the client, which it explains, and nothing else',
  },
  {
    name: 'cli',
    files: /^packages\/cli\//,
    may: [
      ...['packages/cli/src/', '@rollcall/protocol', '@rollcall/client', '@rollcall/gossip', '@rollcall/server', 'node:'],
      ...['commander', 'cli-table3', 'fflate', 'picocolors'],
    ],
    reason: 'the command line uses the packages like any program, by their public names',
  },
  ...roomZones,
  {
    name: 'list of rooms',
    files: /^packages\/server\/src\/registry\/(?:kinds\.ts$|migration\/)/,
    may: [`${registry}/`, '@rollcall/protocol'],
    reason: 'the list of rooms and the migration name every room, but the state machine is pure',
  },
  {
    name: 'registry',
    files: /^packages\/server\/src\/registry\//,
    may: [`${registry}/*`, keyMap, '@rollcall/protocol'],
    reason: 'the state machine is pure, so no I/O can enter, and its shared parts know no room except through kinds.ts',
  },
  {
    name: 'engine port',
    files: /^packages\/server\/src\/engine\/[^/]+\.ts$/,
    may: [`${server}/engine/*`, `${server}/clock.ts`, '@rollcall/protocol', 'node:'],
    reason: 'an engine knows keys, bytes and revisions, nothing about services',
  },
  {
    name: 'engine etcd',
    files: /^packages\/server\/src\/engine\/etcd\//,
    may: ['OWN', `${server}/engine/*`, `${server}/clock.ts`, '@rollcall/protocol', 'node:', '@grpc/grpc-js', 'protobufjs'],
    reason: 'an engine imports its port, itself and its one driver, so that it can be replaced without a change elsewhere',
  },
  {
    name: 'engine of a follower',
    files: /^packages\/server\/src\/engine\/(?<own>node)\//,
    may: ['OWN', `${server}/engine/*`, `${server}/cluster/channel/`, `${server}/clock.ts`, '@rollcall/protocol', 'node:'],
    reason: 'the engine that follows another node has the channel between nodes as its driver',
  },
  {
    name: 'engine',
    files: /^packages\/server\/src\/engine\/(?<own>[^/]+)\//,
    may: ['OWN', `${server}/engine/*`, `${server}/in-turns.ts`, keyMap, '@rollcall/protocol', 'node:'],
    reason: 'an engine imports its port and itself, so that it can be replaced without a change elsewhere',
  },
  {
    name: 'channel',
    files: /^packages\/server\/src\/cluster\/channel\//,
    may: [`${server}/cluster/channel/`, `${server}/engine/*`, ...serverPorts, 'node:', 'ws'],
    reason: 'the channel carries the log of any engine and knows nothing of services; front ends and engines stand at its ends',
  },
  {
    name: 'cluster',
    files: /^packages\/server\/src\/cluster\/[^/]+\.ts$/,
    may: [
      ...[`${server}/cluster/`, `${server}/health/`, `${server}/registry/`, `${server}/telemetry/`, ...serverPorts],
      ...[`${server}/engine/presence.ts`, 'node:', 'pino'],
    ],
    reason: 'membership and ownership follow the log and the presence of nodes, and serve liveness; no protocol of clients enters',
  },
  {
    name: 'backup',
    files: /^packages\/server\/src\/backup\//,
    may: [`${server}/backup/`, `${server}/registry/`, `${server}/engine/engine.ts`, `${server}/in-turns.ts`, '@rollcall/protocol', 'node:'],
    reason: 'a backup is made of rows and becomes a transaction: any engine can give it and take it',
  },
  {
    name: 'filter',
    files: /^packages\/server\/src\/filter\//,
    may: [`${server}/filter/`, '@rollcall/protocol', 're2js'],
    reason: 'an expression over a value is a pure function of any value, in the server and in the pages of the console',
  },
  {
    name: 'content of configurations',
    files: /^packages\/server\/src\/config-content\//,
    may: [
      ...[`${server}/config-content/`, `${server}/filter/`, `${registry}/kind/config/commands.ts`, `${server}/outbound/`],
      ...[...serverPorts, 'node:', 'ajv', 'yaml', 'smol-toml', 're2js'],
    ],
    reason: 'checks and secrets are functions of a content; rows, rights and protocols stay with their callers',
  },
  {
    name: 'jute',
    files: /^packages\/server\/src\/(?<own>jute)\//,
    may: ['OWN', '@rollcall/protocol'],
    reason: 'the codec of ZooKeeper\'s packets is pure: servers, clients and tests use it',
  },
  {
    name: 'security',
    files: /^packages\/server\/src\/security\//,
    may: [
      ...[`${server}/security/`, `${server}/filter/`, `${server}/registry/`, `${server}/telemetry/`, ...serverPorts],
      ...[`${server}/outbound/`, 'node:', 'pino', 'jose', 'oauth4webapi', 'lru-cache'],
    ],
    reason: 'permissions are decided once for every protocol, so security knows none of them',
  },
  {
    name: 'sessions of connections',
    files: /^packages\/server\/src\/health\/(?<own>connection)\//,
    may: ['OWN', `${server}/registry/`, `${server}/health/health.ts`, `${server}/health/wheel.ts`, '@rollcall/protocol', 'pino'],
    reason: 'front ends with lasting connections share it, so it knows liveness only by its port, and no protocol',
  },
  {
    name: 'health',
    files: /^packages\/server\/src\/health\//,
    may: [
      ...[`${server}/health/`, `${server}/registry/`, `${server}/telemetry/`, ...serverPorts],
      ...[`${server}/outbound/`, 'node:', 'undici', '@grpc/grpc-js', 'pino'],
    ],
    reason: 'liveness reads and writes the registry; front ends translate it for their protocols',
  },
  {
    name: 'outbound',
    files: /^packages\/server\/src\/outbound\//,
    may: [`${server}/outbound/`, '@rollcall/protocol', 'node:'],
    reason: 'one rule for all callers decides which addresses the server may connect to',
  },
  {
    name: 'telemetry',
    files: /^packages\/server\/src\/telemetry\//,
    may: [`${server}/telemetry/`, ...serverPorts, 'node:', 'pino', 'prom-client'],
    reason: 'all folders report to telemetry, so it may depend on none of them',
  },
  {
    name: 'rollouts',
    files: /^packages\/server\/src\/rollouts\//,
    may: [`${server}/rollouts/`, `${server}/registry/`, `${server}/health/ownership.ts`, `${server}/security/audit.ts`, ...serverPorts, 'pino'],
    reason: 'it says when a decision about a rollout is due, by the log and the clock, and knows no protocol of clients',
  },
  {
    name: 'webhooks',
    files: /^packages\/server\/src\/webhooks\//,
    may: [`${server}/webhooks/`, `${server}/registry/`, `${server}/history/history.ts`, `${server}/health/ownership.ts`, `${server}/outbound/http-request.ts`, `${server}/telemetry/`, ...serverPorts, 'node:', 'pino'],
    reason: 'it follows the log and sends what it finds; front ends show it, and it knows none of them',
  },
  {
    name: 'configurations and locks',
    files: /^packages\/server\/src\/(?<own>configurations|locks)\//,
    may: [
      ...['OWN', `${server}/config-content/content.ts`, `${server}/config-content/secrets.ts`, `${server}/config-content/loss.ts`, `${server}/config-content/webhook.ts`],
      ...[`${server}/registry/`, `${server}/health/health.ts`, `${server}/health/wheel.ts`, ...serverPorts, 'node:'],
    ],
    reason: 'every front end reads and writes configurations and locks through these, so they know none of them',
  },
  {
    name: 'history',
    files: /^packages\/server\/src\/(?<own>history)\//,
    may: ['OWN', `${server}/registry/`, ...serverPorts, 'node:', 'pino'],
    reason: 'it remembers what the log overwrote, for every front end, and knows none of them and no engine',
  },
  {
    name: 'clients',
    files: /^packages\/server\/src\/(?<own>clients)\//,
    may: ['OWN', `${server}/registry/`, ...serverPorts, 'node:', 'pino'],
    reason: 'every front end adds its clients here and every node asks for them, so it knows neither front ends nor rights',
  },
  {
    name: 'gRPC listener',
    files: /^packages\/server\/src\/net\/grpc\//,
    may: [`${server}/net/`, '@rollcall/protocol', 'node:', '@grpc/grpc-js'],
    reason: 'every front end with gRPC methods shares it, so it has the driver of gRPC and knows no service',
  },
  {
    name: 'net',
    files: /^packages\/server\/src\/net\//,
    may: [
      ...[`${server}/net/`, `${server}/registry/`, `${server}/configurations/`, `${server}/clients/`, `${server}/security/`, `${server}/telemetry/`, ...serverPorts],
      ...[`${server}/locks/`, `${server}/history/`, `${server}/health/health.ts`, `${server}/health/wheel.ts`, 'node:', 'pino', 'lru-cache'],
    ],
    reason: 'the shared part of all front ends knows none of them, and no store',
  },
  ...frontendZones,
  {
    name: 'bridge',
    files: /^packages\/server\/src\/bridge\//,
    may: [`${server}/bridge/`, `${server}/jute/`, `${server}/clock.ts`, '@rollcall/protocol', 'node:'],
    reason: 'a bridge is a client of two servers, and runs without either of them in its process',
  },
  {
    name: 'replica',
    files: /^packages\/server\/src\/replica(\.ts$|\/)/,
    may: [`${server}/replica/`, `${server}/registry/`, `${server}/engine/engine.ts`, ...serverPorts],
    reason: 'the ordering point stands between the state machine and any engine; it serves no protocol',
  },
  {
    name: 'server ports',
    files: /^packages\/server\/src\/(clock|in-turns|key-map|options|version)\.ts$/,
    may: ['@rollcall/protocol', 'node:'],
    reason: 'all folders may import these, so they may depend on none of them',
  },
  {
    name: 'composition root',
    files: /^packages\/server\/src\/[^/]+\.ts$/,
    may: [`${server}/`, '@rollcall/protocol', 'node:', 'pino'],
    reason: 'the composition root sees everything of the server, and other packages by their names',
  },
];

/** Breaches of the table, one line each: where, what, and why it is not allowed. */
export function checkImports(files: readonly SourceFile[], table: readonly Zone[] = zones): string[] {
  return files.flatMap((file) => {
    const zone = table.find(({ files: pattern }) => pattern.test(file.path));
    if (zone === undefined) return [`${file.path}: no zone of the import table covers this file; add one`];
    return importsOf(file)
      .filter(({ target }) => !allowed(zone, file.path, target))
      .map(({ target, line }) => `${file.path}:${line} imports ${target}, but ${zone.name}: ${zone.reason}`);
  });
}

/** Differences between what a package declares to need and what its sources import, one line each. */
export function checkDependencies(name: string, declared: readonly string[], files: readonly SourceFile[]): string[] {
  const imported = new Set(files.flatMap((file) => importsOf(file).map(({ target }) => target)));
  for (const target of imported) if (target.startsWith('node:') || target.includes('/src/')) imported.delete(target);
  return [
    ...declared.filter((one) => !imported.has(one)).map((one) => `${name} declares ${one}, but does not import it`),
    ...[...imported].filter((one) => !declared.includes(one)).map((one) => `${name} imports ${one}, but does not declare it`),
  ];
}

const importForms = [
  /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^\s*import\s*['"]([^'"]+)['"]/gm,
  /\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g,
];

/** Relative targets become paths from the root; packages keep their names without subpaths. */
export function importsOf(file: SourceFile): { target: string; line: number }[] {
  const code = codeOf(file.text, { keepStrings: true });
  return importForms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => ({
      target: resolve(file.path, match[1] as string),
      line: lineAt(code, match.index),
    })),
  );
}

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function allowed(zone: Zone, path: string, target: string): boolean {
  const own = zone.files.exec(path);
  return zone.may.some((entry) => {
    if (entry === 'OWN') return own !== null && target.startsWith(own[0]);
    if (entry.startsWith('OWN/')) return own !== null && target === own[0] + entry.slice('OWN/'.length);
    if (entry.endsWith('/*')) return posix.dirname(target) === entry.slice(0, -2);
    return entry.endsWith('/') || entry.endsWith(':') ? target.startsWith(entry) : target === entry;
  });
}
