/**
 * The composition root: the one place that sees every part, and the only one that makes clocks,
 * randomness and sockets. Everything else is given what it needs.
 */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { pino, type Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import type { Engine } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { writeBackup } from './backup/backup.ts';
import { readBackup, restoreTransaction } from './backup/restore.ts';
import { admin } from './frontend/admin/frontend.ts';
import type { AdminDeps } from './frontend/admin/deps.ts';
import { consul } from './frontend/consul/frontend.ts';
import { defineOwn, type OwnDefinitions } from './frontend/consul/own-definitions.ts';
import { dns, type Dns } from './frontend/dns/frontend.ts';
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
import { Audit } from './security/audit.ts';
import { openAuditFile, type AuditFile } from './security/audit-file.ts';
import { makeSecurity, type Security } from './security/security.ts';
import type { ServerOptions } from './server-options.ts';
import { Metrics } from './telemetry/metrics.ts';
import { version } from './version.ts';

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
  /**
   * Registers services and checks on the server's own node, as Consul's agent does with those in its
   * files; those of an earlier call that are not among them go.
   * @throws RegistryError `invalid_argument`, and nothing is changed
   */
  define(definitions: OwnDefinitions): Promise<void>;
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
    define: (definitions) => defineOwn({ registry: replica, identity }, definitions),
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

/**
 * The server's identity; its node id is given, or made once, and kept in the store.
 * @throws RegistryError `invalid_argument` when the store has another
 */
async function identify(registry: Registry, host: string, options: ServerOptions): Promise<Identity> {
  const kept = find.record(registry.state, 'server', 'identity')?.value as { nodeId: string } | undefined;
  const nodeId = options.nodeId ?? kept?.nodeId ?? randomUUID();
  if (kept !== undefined && kept.nodeId !== nodeId) {
    const message = `the store belongs to the node with the id ${kept.nodeId}, not ${nodeId}; give that id or none, or another store`;
    throw new RegistryError('invalid_argument', message);
  }
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
    ...(options.nodeMeta === undefined ? {} : { nodeMeta: options.nodeMeta }),
  };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
