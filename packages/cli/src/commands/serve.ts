/** `rollcall serve`: runs a registry as a process. The server itself is in the package of the server. */

import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isRegistryError } from '@rollcall/protocol';
import type { Server, ServerOptions } from '@rollcall/server';
import { CommandFailure, exitCodes, failingWith } from '../failure.ts';
import type { CommandContext } from '../command-context.ts';
import { sdNotify } from '../sd-notify.ts';
import { signalNumber, stopSignals } from '../signals.ts';
import { formatAddress } from '../settings/address.ts';
import { configVariable, resolveSettings } from '../settings/resolve.ts';
import { storeOf } from '../settings/engine.ts';
import { awaitEngine } from '../settings/await-engine.ts';
import { assertUsed, openEngine, storeRefusals } from '../settings/open-engine.ts';
import { serverOptions } from '../settings/server-options.ts';
import { settingOption } from '../settings/setting-option.ts';
import type { Setting } from '../settings/setting.ts';
import { settingsTable, type Settings } from '../settings/table.ts';
import { colorsFor, print, printJson, remark, type Terminal } from '../terminal.ts';
import { serveWithWorkers, type Running } from '../workers/serve-with-workers.ts';
import { workersOf } from '../workers/worker-count.ts';

/** Settings that set the same thing. */
const conflicts: Readonly<Partial<Record<keyof Settings, string[]>>> = { dev: ['dataDir', 'engine'], engine: ['dataDir'] };

export function addServe(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('serve')
    .description('run a registry on this machine')
    .option('--config <file>', `read settings from a JSON file (${configVariable})`)
    .option('--json', 'print its listen addresses as one line of JSON');
  for (const [key, { flag }] of Object.entries(settingsTable) as [keyof Settings, Setting<unknown>][]) {
    if (flag !== undefined) command.addOption(settingOption(key).conflicts(conflicts[key] ?? []));
  }
  command.addHelpText('after', '\nThe command line overrides the environment, and the environment overrides the file.');
  command.action((flags: Record<string, unknown>) => serve(flags, terminal));
}

async function serve(flags: Record<string, unknown>, terminal: Terminal): Promise<void> {
  const { defaultLimits } = await import('@rollcall/server');
  const resolved = resolveSettings({
    flags,
    env: terminal.env,
    folder: process.cwd(),
    configFile: flags['config'] as string | undefined,
    readFile: (path) => readFileSync(path, 'utf8'),
    limitNames: Object.keys(defaultLimits),
  });
  for (const warning of resolved.warnings) remark(terminal, warning);
  // The operator did not ask for the default address: a second server on this machine may run without DNS.
  const dnsOptional = resolved.sources.dns === 'default';
  await runServer(resolved.settings, { dnsOptional, json: flags['json'] === true }, terminal);
}

export interface RunOptions {
  /** Whether to serve without DNS when its address is in use. */
  readonly dnsOptional: boolean;
  /** Whether to print the listen addresses as one line of JSON. */
  readonly json: boolean;
  readonly agent?: AgentOptions;
}

/** Used by `rollcall agent` only. */
export interface AgentOptions {
  readonly more: Pick<ServerOptions, 'nodeId' | 'nodeMeta' | 'dns' | 'reload'>;
  /** Called once the server serves; the server stops when this rejects. */
  readonly serving: (server: Server) => Promise<void>;
  /** Called at SIGHUP, which stops `rollcall serve` without TLS. */
  readonly hangUp: () => void;
}

/**
 * Serves until the process is asked to stop.
 * @throws CommandFailure with an exit code for the cause
 */
export async function runServer(settings: Settings, { dnsOptional, json, agent }: RunOptions, terminal: Terminal): Promise<void> {
  // Loaded here, since commands that talk to a registry do not need the server.
  const { assertListenersAllowed, CannotListen, createServer, stderrLog } = await import('@rollcall/server');
  const options = withHistory(settings, serverOptions(settings));
  // The agent of Consul's files has definitions and reloads them, in one process.
  const workers = agent === undefined ? workersOf(settings) : 0;
  await failingWith(exitCodes.publicBindRefused, () => assertListenersAllowed(options));
  let running: Running | undefined;
  const hangUp = () => {
    agent?.hangUp();
    void running?.reloadCertificates();
  };
  // With TLS, SIGHUP renews the certificates; without, it stops the server, as when its terminal closes.
  const signals = stopSignals(agent === undefined && settings.https === undefined ? undefined : hangUp);
  const log = stderrLog(settings.logLevel);
  assertUsed(settings, [storeOf(settings)]);
  const open = () => openEngine(storeOf(settings), settings, log);
  const engine = await failingWith(exitCodes.storeRefused, () => awaitEngine(open, log, signals.first), storeRefusals);
  if (engine === undefined) return;
  let asked = false;
  void signals.first.then(() => (asked = true));
  let defining = () => Promise.resolve();
  const server = await failingWith(exitCodes.storeRefused, async (): Promise<Running> => {
    if (workers > 0) return serveWithWorkers({ count: workers, settings, dnsOptional, server: { ...options, engine, log }, log, stopped: signals.first });
    const one = await createServer({
      ...agent?.more,
      ...options,
      engine,
      ...(options.dns === undefined ? {} : { dns: { ...agent?.more.dns, ...options.dns, optional: dnsOptional } }),
      log,
    });
    if (agent !== undefined) defining = () => agent.serving(one);
    return one;
  }).catch((error: unknown) => {
    if (error instanceof CommandFailure && error.cause instanceof CannotListen) throw new CommandFailure(exitCodes.addressTaken, error.message, { cause: error.cause });
    // Asked to stop while its workers were starting: it has stopped them.
    if (asked && workers > 0) return undefined;
    throw error;
  });
  if (server === undefined) return;
  running = server;
  await defining().catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  if (json) printJson(terminal, facts(server, settings));
  else greet(terminal, { server, settings, workers });
  await sdNotify(terminal, 'READY=1', `STATUS=serving at ${server.url}`);

  const ended = await Promise.race([signals.first, server.fatal, server.left]);
  if (isRegistryError(ended)) {
    await server.close().catch(() => {});
    throw new CommandFailure(exitCodes.failure, `stopped, since the registry cannot continue: ${ended.message}`);
  }
  // A second signal ends the process without waiting.
  void signals.second.then((again) => process.exit(128 + signalNumber(again)));
  void sdNotify(terminal, 'STOPPING=1');
  await server.close();
}

/** Beside the store on disk, if there is one. */
function withHistory(settings: Settings, options: ServerOptions): ServerOptions {
  const store = storeOf(settings);
  return store.kind === 'embedded' ? { ...options, history: { ...options.history, folder: join(store.dir, 'history') } } : options;
}

function facts(server: Running, settings: Settings): object {
  const store = storeOf(settings);
  return {
    url: server.url,
    https: httpsUrl(server, settings) ?? null,
    dns: dnsAddress(server, settings) ?? null,
    ...eurekaFact(server, settings),
    ...addressFacts(server, settings),
    dataDir: store.kind === 'embedded' ? store.dir : null,
    pid: process.pid,
  };
}

function httpsUrl({ ports }: Running, { https }: Settings): string | undefined {
  const port = ports.https;
  return https === undefined || port === undefined ? undefined : `https://${formatAddress({ ...https, port })}`;
}

/** The URL that clients of Eureka are given. */
function eurekaUrl({ ports }: Running, { eureka, eurekaTls }: Settings): string | undefined {
  const port = ports.eureka;
  return eureka === undefined || port === undefined ? undefined : `http${eurekaTls ? 's' : ''}://${formatAddress({ ...eureka, port })}/eureka/`;
}

function eurekaFact(server: Running, settings: Settings): { eureka?: string } {
  const eureka = eurekaUrl(server, settings);
  return eureka === undefined ? {} : { eureka };
}

/** Protocols whose clients are given an address of its own, and not a URL. */
const addressed = ['nacos', 'grpc', 'zookeeper'] as const;

function addressOf(name: (typeof addressed)[number], { ports }: Running, settings: Settings): string | undefined {
  const [at, port] = [settings[name], ports[name]];
  return at === undefined || port === undefined ? undefined : formatAddress({ ...at, port });
}

function addressFacts(server: Running, settings: Settings): { readonly [name in (typeof addressed)[number]]?: string } {
  return Object.fromEntries(addressed.map((name) => [name, addressOf(name, server, settings)]).filter(([, address]) => address !== undefined)) as object;
}

function dnsAddress({ ports }: Running, { dns }: Settings): string | undefined {
  const port = ports.dns;
  return dns === undefined || port === undefined ? undefined : formatAddress({ ...dns, port });
}

/** The line about DNS: its address, or why it is off. */
function dnsLine(server: Running, settings: Settings): string {
  const address = dnsAddress(server, settings);
  if (address !== undefined) return address;
  if (settings.dns === undefined) return 'off';
  return `off, since ${formatAddress(settings.dns)} is in use; choose another address with --dns`;
}

function dataLine(settings: Settings): string {
  const store = storeOf(settings);
  switch (store.kind) {
    case 'memory':
      return 'in memory only: lost when this stops';
    case 'embedded':
      return store.dir;
    case 'etcd':
      return `in etcd at ${store.urls.join(', ')}, below ${settings.enginePrefix}/`;
    case 'node':
      return `follows the node at ${store.url}`;
  }
}

function greet(terminal: Terminal, { server, settings, workers }: { readonly server: Running; readonly settings: Settings; readonly workers: number }): void {
  const { bold, dim } = colorsFor(terminal.stdout, terminal.env);
  const { http } = settings;
  const secure = httpsUrl(server, settings);
  const nacos = addressOf('nacos', server, settings);
  const site = http === undefined || 'path' in http ? secure : server.url;
  const facts: (readonly [label: string, fact: string])[] = [
    ...fact('HTTP', http === undefined ? undefined : 'path' in http ? formatAddress(http) : server.url),
    ...fact('HTTPS', secure === undefined ? undefined : `${secure}${settings.tlsVerifyIncoming ? ', for clients with a certificate' : ''}`),
    ...fact('UI', site === undefined ? undefined : `${site}/ui/`),
    ['DNS', dnsLine(server, settings)],
    ...fact('Eureka', eurekaUrl(server, settings)),
    ...fact('Nacos', nacos === undefined ? undefined : `${nacos}, gRPC on port ${server.ports['nacos-grpc']}`),
    ...fact('gRPC', addressOf('grpc', server, settings)),
    ...fact('ZooKeeper', addressOf('zookeeper', server, settings)),
    ...fact('ACL', settings.acl ? 'on: clients need a token' : undefined),
    ['data', dataLine(settings)],
    ...fact('work', workers === 0 ? undefined : `${workers} ${workers === 1 ? 'worker serves' : 'workers serve'} the clients`),
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  const lines = [
    bold('Rollcall is running.'),
    '',
    ...facts.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`),
    '',
    'Try in another terminal:',
    '',
    ...firstSteps(server, settings).map((step) => `  ${step}`),
    '',
    dim('Ctrl-C stops it.'),
  ];
  for (const line of lines) print(terminal, line);
}

/** A line of the greeting, if there is something to say. */
function fact(label: string, text: string | undefined): (readonly [label: string, fact: string])[] {
  return text === undefined ? [] : [[label, text]];
}

function firstSteps({ url, ports }: Running, { http, acl, aclInitialManagement }: Settings): string[] {
  if (http !== undefined && 'path' in http) return [`curl --unix-socket ${http.path} http://localhost/v1/catalog/services`];
  if (acl && aclInitialManagement === undefined) return [`curl -X PUT ${url}/v1/acl/bootstrap    # the first token, once`];
  const addr = ports.http === 8500 ? '' : ` --addr ${url}`;
  return [
    `npx rollcall run web --port 8000${addr} -- node -e "require('http').createServer((q, s) => s.end('hello\\n')).listen(8000)"`,
    `npx rollcall watch web${addr}`,
    `curl "${url}/v1/health/service/web?passing"`,
  ];
}
