/**
 * The lower half of the composition root: creates and closes the parts below the front ends, none of which listens.
 * `server.ts` is the upper half.
 */

import { randomUUID } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { RegistryError } from '@rollcall/protocol';
import { pino, type Logger } from 'pino';
import { systemClock, type Clock } from './clock.ts';
import { loadKeyRing, type KeyRing } from './config-content/key-ring.ts';
import { Secrets } from './config-content/secrets.ts';
import { askWebhook } from './config-content/webhook.ts';
import { Configurations } from './configurations/configurations.ts';
import type { Engine } from './engine/engine.ts';
import { loadAccessKeys, type AccessKeys } from './frontend/apollo/access-keys.ts';
import { tellFreshness } from './freshness.ts';
import { Liveness } from './health/liveness.ts';
import { History } from './history/history.ts';
import { closedByMove } from './migrate.ts';
import { authoritiesOf, trustOf } from './net/certificates.ts';
import { defaultLimits, type Limits } from './options.ts';
import { addressPolicy, type Resolve } from './outbound/address-policy.ts';
import { httpSender, type Send } from './outbound/http-request.ts';
import { lateChecks } from './late-checks.ts';
import { limitLookups, systemLookup } from './outbound/lookup.ts';
import { Replica } from './replica.ts';
import { NodeEngine } from './engine/node/node.ts';
import { Activity } from './security/activity.ts';
import { Audit, type AuditEntry, type AuditTrail } from './security/audit.ts';
import type { AuditTarget } from './security/audit-handover.ts';
import { openAuditFile, type AuditFile } from './security/audit-file.ts';
import { makeSecurity, type Security } from './security/security.ts';
import type { ServerOptions } from './server-options.ts';
import { Metrics } from './telemetry/metrics.ts';
import { handedAudit } from './worker-audit.ts';

export interface Core {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly replica: Replica;
  readonly history: History;
  readonly configurations: Configurations;
  /** Of apps whose Apollo clients sign their requests. */
  readonly apolloKeys: AccessKeys;
  readonly liveness: Liveness;
  readonly security: Security;
  /** Where events of this process go: the audit log, or memory only. */
  readonly auditTrail: AuditTrail;
  /** The file of the audit log that this process writes. */
  readonly auditFile: AuditFile | undefined;
  /** The newest events of this process and its workers; undefined in a worker. */
  readonly activity: Activity | undefined;
  /** Takes events of workers. */
  readonly audited: AuditTarget | undefined;
  /** Certificates (PEM) of the authorities that the other nodes' are checked against; undefined: the well-known ones. */
  readonly peerAuthorities: string | undefined;
  readonly fatal: Promise<RegistryError>;
  /** Reports that the server must be stopped. */
  readonly fail: (error: RegistryError) => void;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves hosts that clients and operators name to addresses that this server may connect to. */
  readonly resolve: Resolve;
  /** Sends requests to addresses that clients name; it trusts the authorities that probes trust. */
  readonly send: Send;
}

interface AuditLog {
  readonly log: Audit;
  readonly file: AuditFile;
  readonly activity: Activity;
}

interface Files {
  readonly audit: AuditLog | undefined;
  readonly probeTrust: SecureContext | undefined;
  readonly peerAuthorities: string | undefined;
  readonly configKeys: KeyRing;
  readonly apolloKeys: AccessKeys;
}

/** Closes the store when one of the files cannot be used. */
export async function openFiles(engine: Engine, options: ServerOptions): Promise<Files> {
  const { probeCaFile, peerCaFile } = options;
  // The primary writes that of its workers.
  const auditFile = options.worker === undefined ? options.auditFile : undefined;
  try {
    const probeTrust = probeCaFile === undefined ? undefined : await trustOf(probeCaFile);
    const peerAuthorities = peerCaFile === undefined ? undefined : await authoritiesOf(peerCaFile);
    const configKeys = await loadKeyRing(options.configKeys ?? {});
    const apolloKeys = options.apolloKeysFile === undefined ? new Map<string, never>() : await loadAccessKeys(options.apolloKeysFile);
    const audit = auditFile === undefined ? undefined : await openAudit(auditFile, options);
    return { audit, probeTrust, peerAuthorities, configKeys, apolloKeys };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function openAudit(path: string, { clock = systemClock, log }: ServerOptions): Promise<AuditLog> {
  const file = await openAuditFile(path);
  const now = () => clock.now();
  const activity = new Activity({ now, file: path });
  const onError = (err: unknown) => log?.error({ err, path }, 'the audit log cannot be written; its events are lost, and counted, until it can');
  const onRecovered = (dropped: number) => log?.warn({ path, dropped }, 'the audit log is written again; its next line says how many events were lost');
  const onWritten = (entries: readonly AuditEntry[]) => activity.add(entries);
  return { file, activity, log: new Audit({ sink: file, last: file.last, now, onError, onRecovered, onWritten }) };
}

/** Of the history, when no option says how many. */
const historyBytes = 67_108_864;

/** How long a program of an operator may take to agree to a content. */
const webhookMs = 5_000;

export function createCore(engine: Engine, { audit, probeTrust, peerAuthorities, configKeys, apolloKeys }: Files, options: ServerOptions): Core {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? pino({ level: 'silent' });
  const random = Math.random;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const metrics = new Metrics();
  const fatal = deferred<RegistryError>();
  const replica = new Replica({ engine: closedByMove(engine), clock, configurationsInKv: options.configurationsInKv === true, onFatal: fatal.resolve, onFreshness: tellFreshness(metrics, log) });
  // One limit of lookups for all callers together.
  const resolve = addressPolicy(limitLookups(systemLookup));
  const liveness = new Liveness({ registry: replica, clock, log, metrics, limits, random, resolve, probeTrust });
  const handed = options.worker !== undefined && engine instanceof NodeEngine ? handedAudit(engine.link, clock, log) : undefined;
  const activity = handed === undefined ? (audit?.activity ?? new Activity({ now: () => clock.now() })) : undefined;
  const audited = audit?.log ?? activity;
  const auditTrail = handed ?? (audited as AuditTrail);
  const { defaultPolicy = 'deny', defaultToken } = options.acl ?? {};
  const security = makeSecurity({
    ...{ registry: replica, clock, resolve, audit: auditTrail, failuresPerAddressMax: limits.failuresPerAddressMax, uuid: randomUUID },
    config: {
      ...{ enabled: options.acl !== undefined, defaultPolicy, datacenter: options.datacenter ?? 'dc1' },
      ...(defaultToken === undefined ? {} : { defaultToken }),
    },
    onDenied: ({ namespace, resource, verb }) => {
      // A request may name any namespace, but labels name only those that exist.
      metrics.denials.inc({ namespace: security.acl.store.hasNamespace(namespace) ? namespace : '', resource, verb });
    },
    onError: (err) => log.error({ err }, 'tokens that have ended could not be removed'),
  });
  // Rights first: their caches still show the state before the change until they follow it.
  replica.observe(security.acl);
  replica.observe(liveness);
  const history = new History({ state: replica.state, clock, bytesMax: options.history?.bytesMax ?? historyBytes, folder: options.history?.folder, overwritten: (after) => engine.overwritten?.(after), log });
  metrics.observe('rollcall_history_bytes', 'Bytes of the history', () => history.bounds.bytes);
  metrics.observe('rollcall_history_seconds', 'How far back the registry can be read', () => (history.bounds.now.atMs - history.bounds.since.atMs) / 1_000);
  metrics.observe('rollcall_history_waiting_bytes', 'Bytes of the history that wait for the disk', () => history.waitingBytes);
  metrics.observe('rollcall_history_lost_bytes', 'Bytes of the history that were lost because the disk took no writes', () => history.bounds.lost?.bytes ?? 0);
  replica.observe(history);
  replica.measure(metrics);
  metrics.observe('rollcall_store_lag_revisions', 'Revisions that the state is behind the store', () => replica.lag.revisions);
  metrics.observe('rollcall_store_lag_seconds', 'Time since the state was last that of the store', () => replica.lag.seconds);
  const configurations = new Configurations({ registry: replica, checks: lateChecks(clock), secrets: new Secrets(configKeys), askWebhook: (url, question) => askWebhook(url, question, { resolve, timeoutMs: webhookMs }) });
  return { engine, clock, log, limits, metrics, replica, history, configurations, apolloKeys, liveness, security, auditTrail, auditFile: audit?.file, activity, audited, peerAuthorities, fatal: fatal.promise, fail: fatal.resolve, random, resolve, send: httpSender(resolve, probeTrust) };
}

export async function closeCore({ configurations, history, liveness, replica, security, auditTrail, auditFile, engine }: Core): Promise<void> {
  liveness.close();
  security.acl.close();
  await configurations.close();
  await replica.close();
  await history.close();
  await auditTrail.flush();
  await auditFile?.close();
  await engine.close();
}

export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
