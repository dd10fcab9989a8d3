/**
 * The composition root: the one place that sees every part, and the only one that makes clocks,
 * randomness and sockets. Everything else is given what it needs.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isRegistryError, type RegistryError } from '@rollcall/protocol';
import { pino, type Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import type { Engine } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { writeBackup } from './backup/backup.ts';
import { readBackup, restoreTransaction } from './backup/restore.ts';
import { admin } from './frontend/admin/frontend.ts';
import type { AdminDeps } from './frontend/admin/deps.ts';
import { consul } from './frontend/consul/frontend.ts';
import { dns, type Dns, type DnsOptions } from './frontend/dns/frontend.ts';
import { stream } from './frontend/stream/frontend.ts';
import { Liveness } from './health/liveness.ts';
import { Wheel } from './health/wheel.ts';
import { keepHouse } from './housekeeping.ts';
import { Answers } from './net/answers.ts';
import { assertBindAllowed } from './net/bind-policy.ts';
import type { Context, Frontend, Identity } from './net/frontend.ts';
import { listen, type Listener } from './net/listener.ts';
import { defaultLimits, type Limits } from './options.ts';
import { find } from './registry/reader.ts';
import type { Registry } from './registry/registry.ts';
import { Replica } from './replica.ts';
import type { DefaultPolicy } from './security/authorizer.ts';
import { Audit } from './security/audit.ts';
import { openAuditFile, type AuditFile } from './security/audit-file.ts';
import { makeSecurity, type Security } from './security/security.ts';
import { Metrics } from './telemetry/metrics.ts';
import { version } from './version.ts';

/** Who may do what; see `security/README.md`. */
export interface AccessOptions {
  /** What callers may do where no rule says anything; `deny` by default. */
  readonly defaultPolicy?: DefaultPolicy;
  /** Secret of the first management token; without it, somebody calls `PUT /v1/acl/bootstrap`, once. */
  readonly initialManagement?: string;
  /** Secret of the token that stands in for requests without one; the anonymous token's otherwise. */
  readonly defaultToken?: string;
}

export interface ServerOptions {
  /** `memory()` by default; the server closes it. */
  readonly engine?: Engine | Promise<Engine>;
  /** Where HTTP is served; 127.0.0.1 and a free port by default. */
  readonly http?: { readonly host?: string; readonly port?: number };
  /**
   * Where and how DNS is served, over UDP and TCP; not at all by default. `optional`: when the
   * address is taken, the server starts without DNS and says so in its log.
   */
  readonly dns?: Partial<DnsOptions> & { readonly optional?: boolean };
  /** Access control; off by default: everybody may do everything. */
  readonly acl?: AccessOptions;
  /** File of the audit log (`security/audit.ts`); none by default. */
  readonly auditFile?: string;
  /** Allows a listener beyond loopback although nobody needs to say who they are. */
  readonly unsafeAllowUnauthenticated?: boolean;
  /** Name of the server's own node; the host name by default. */
  readonly nodeName?: string;
  /** `dc1` by default, as in Consul. */
  readonly datacenter?: string;
  /** Node names of client addresses; see `net/agent-node.ts`. */
  readonly agentNames?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  /** Silent by default. */
  readonly log?: Logger;
  readonly clock?: Clock;
}

export interface Server {
  /** `http://127.0.0.1:8500` */
  readonly url: string;
  readonly httpPort: number;
  /** Undefined when DNS is not served. */
  readonly dnsPort: number | undefined;
  readonly registry: Registry;
  readonly metrics: Metrics;
  /** Resolves with the reason when the server can no longer follow its log and must be stopped. */
  readonly fatal: Promise<RegistryError>;
  /** Answers parked requests, sends streams elsewhere, finishes commits, closes the engine. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a registry in this process.
 *
 * @throws RegistryError `failed_precondition` when the address or the store is taken, or the address
 *   is not a loopback one and `unsafeAllowUnauthenticated` is not set; `data_loss` when the store
 *   cannot be read
 */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const engine = await (options.engine ?? memory());
  const core = createCore(engine, await openAudit(engine, options), options);
  try {
    return await serve(core, options);
  } catch (error) {
    await closeCore(core);
    throw error;
  }
}

/** What stands below the front ends; nothing of it listens anywhere. */
interface Core {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly replica: Replica;
  readonly liveness: Liveness;
  readonly security: Security;
  readonly audit: AuditLog | undefined;
  readonly fatal: Promise<RegistryError>;
}

interface AuditLog {
  readonly log: Audit;
  readonly file: AuditFile;
}

/** A damaged audit log ends the start, and the store must not stay open behind it. */
async function openAudit(engine: Engine, { auditFile, clock = systemClock, log }: ServerOptions): Promise<AuditLog | undefined> {
  if (auditFile === undefined) return undefined;
  try {
    const file = await openAuditFile(auditFile);
    const onError = (err: unknown) => log?.error({ err }, 'the audit log could not be written');
    return { file, log: new Audit({ sink: file, last: file.last, now: () => clock.now(), onError }) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function createCore(engine: Engine, audit: AuditLog | undefined, options: ServerOptions): Core {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? pino({ level: 'silent' });
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const metrics = new Metrics();
  const fatal = deferred<RegistryError>();
  const replica = new Replica({ engine, clock, onFatal: fatal.resolve });
  const liveness = new Liveness({ registry: replica, clock, log, metrics, limits, random: Math.random });
  const { defaultPolicy = 'deny', defaultToken } = options.acl ?? {};
  const security = makeSecurity({
    ...{ registry: replica, clock, audit: audit?.log, uuid: randomUUID },
    config: {
      ...{ enabled: options.acl !== undefined, defaultPolicy, datacenter: options.datacenter ?? 'dc1' },
      ...(defaultToken === undefined ? {} : { defaultToken }),
    },
    onError: (err) => log.error({ err }, 'tokens that have ended could not be removed'),
  });
  replica.observe((changes) => liveness.observe(changes));
  replica.observe((changes) => security.acl.observe(changes));
  replica.measure(metrics);
  return { engine, clock, log, limits, metrics, replica, liveness, security, audit, fatal: fatal.promise };
}

async function closeCore({ liveness, replica, security, audit, engine }: Core): Promise<void> {
  liveness.close();
  security.acl.close();
  await replica.close();
  await audit?.log.flush();
  await audit?.file.close();
  await engine.close();
}

async function serve(core: Core, options: ServerOptions): Promise<Server> {
  const { engine, clock, log, limits, metrics, replica, liveness, security } = core;
  const { host = '127.0.0.1', port = 0 } = options.http ?? {};
  const unsafeAllowUnauthenticated = options.unsafeAllowUnauthenticated === true;
  const dnsOptions = options.dns && { host: '127.0.0.1', port: 0, ...options.dns };
  for (const bind of [{ host, port }, ...(dnsOptions === undefined ? [] : [dnsOptions])]) {
    assertBindAllowed({ host: bind.host, port: bind.port, authenticated: false, unsafeAllowUnauthenticated });
  }
  await replica.start();
  security.acl.start();
  await security.admin.initialise(options.acl?.initialManagement);
  liveness.start();

  const wheel = new Wheel({ clock, onError: (err) => log.error({ err }, 'a timeout failed') });
  const identity = await identify(replica, host, options);
  const context: Context = {
    registry: replica,
    health: liveness,
    clock,
    wheel,
    answers: new Answers(limits.answerBytesMax),
    identity,
    limits,
    security,
    metrics,
    log,
    uuid: randomUUID,
  };
  const serving = { ready: false };
  const frontends: Frontend[] = [consul(context), stream(context), admin(context, adminDeps(core, serving))];
  const names = dnsOptions && dns(context, dnsOptions);
  const listener = await listen({ host, port, frontends, limits, clock, log });
  identity.httpPort = listener.port;
  for (const frontend of frontends) await frontend.start?.();
  const dnsPort = await startNames(names, options.dns?.optional === true, listener, log);
  const stopHousekeeping = keepHouse(replica, wheel, clock, log);
  serving.ready = true;
  log.info({ host, port: listener.port, engine: engine.name, revision: replica.state.revision }, 'serving');

  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    serving.ready = false;
    stopHousekeeping();
    await Promise.all([listener.close(), names?.close()]);
    await closeCore(core);
    log.info('closed');
  };
  const close = () => (closing ??= shutDown());
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`,
    httpPort: listener.port,
    dnsPort,
    registry: replica,
    metrics,
    fatal: core.fatal,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function startNames(
  names: Dns | undefined,
  optional: boolean,
  listener: Listener,
  log: Logger,
): Promise<number | undefined> {
  try {
    return (await names?.start())?.port;
  } catch (err) {
    if (optional && isRegistryError(err, 'failed_precondition')) {
      log.warn({ err }, 'DNS is not served');
      return undefined;
    }
    // The HTTP listener is open already: it must not outlive the failed start.
    await listener.close();
    throw err;
  }
}

function adminDeps({ replica, liveness, limits }: Core, serving: { readonly ready: boolean }): AdminDeps {
  return {
    backup: () => writeBackup(replica.state),
    restore: (backup) => restore(replica, backup, limits),
    ready: () => serving.ready,
    livenessStatus: () => liveness.status(),
    overrideExpiry: () => liveness.override(),
  };
}

async function restore(
  replica: Replica,
  source: AsyncIterable<Buffer>,
  limits: Limits,
): Promise<{ records: number; revision: number }> {
  const backup = await readBackup(source, limits.restoreBytesMax);
  await replica.replace((state) => restoreTransaction(backup, state));
  return { records: backup.records.length, revision: replica.state.revision };
}

/** The server's identity; its node id is made once and kept in the store. */
async function identify(registry: Registry, host: string, options: ServerOptions): Promise<Identity> {
  const kept = find.record(registry.state, 'server', 'identity')?.value as { nodeId: string } | undefined;
  const nodeId = kept?.nodeId ?? randomUUID();
  if (kept === undefined) {
    await registry.submit({ kind: 'record-put', type: 'server', id: 'identity', value: { nodeId } });
  }
  return {
    datacenter: options.datacenter ?? 'dc1',
    nodeName: options.nodeName ?? hostname(),
    nodeId,
    version,
    address: host === '0.0.0.0' || host === '::' || host === 'localhost' ? '127.0.0.1' : host,
    httpPort: 0,
    agentNames: options.agentNames ?? {},
  };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
