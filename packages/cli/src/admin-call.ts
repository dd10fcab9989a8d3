/** Sends requests to a registry's HTTP routes, and reports their failures in words for people. */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '@rollcall/client';
import { defaultNamespace, faultInAnswer, type Schema, type Shaped } from '@rollcall/protocol';
import { credentialsOf } from './credentials.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { namespaceOf, serversOf, type RegistryFlags } from './servers.ts';
import { remark, type Terminal } from './terminal.ts';

/** The registry that a command line names, and the credentials for it. */
export interface Target {
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  /** The namespace of the request; `default` when absent. */
  readonly namespace?: string;
  /** Called for each answer that leaves out entries which the token may not read. */
  readonly onLeftOut?: () => void;
}

export interface AdminCall extends Target {
  readonly path: string;
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Content type of the registry's answer, undefined for an empty body; any other answer comes from another kind of server. */
  readonly expect: 'application/json' | 'application/octet-stream' | 'application/x-gzip' | 'text/plain; charset=utf-8' | undefined;
  /** Whether 404 is a valid answer, as for a missing key. */
  readonly absent?: true;
  /** `ETag` of an answer that the caller has: status 304, without a body, is a valid answer as well. */
  readonly tag?: string;
  /** Longest silence of the registry, in milliseconds; 0: no limit. 30 s by default. */
  readonly silenceMs?: number;
  /** Ends the call, and the reading of its answer. */
  readonly signal?: AbortSignal;
  /** Sent once, to the first server. */
  readonly body?: Readable | Uint8Array | string;
}

/** A registry that is silent for this long counts as unreachable. */
const silenceUsualMs = 30_000;
/** The registry is silent while it checks and commits a restore. */
const restoreSilenceMs = 600_000;

/** @throws CommandFailure `usage`, `failure` */
export async function targetOf(flags: RegistryFlags, terminal: Terminal): Promise<Target> {
  const servers = serversOf(flags.addr, terminal.env);
  const credentials = await credentialsOf(flags, terminal);
  let told = false;
  const onLeftOut = () => {
    if (!told) remark(terminal, 'what the token may not read is left out');
    told = true;
  };
  return { servers, credentials, onLeftOut };
}

/** The same for a command of `addNamespacedOptions`. @throws CommandFailure `usage`, `failure` */
export async function namespacedTargetOf(flags: RegistryFlags, terminal: Terminal): Promise<Target> {
  const namespace = namespaceOf(flags, terminal.env);
  return { ...(await targetOf(flags, terminal)), namespace };
}

/**
 * Sends the request to the first server that can be reached.
 *
 * @returns the answer, of status 200 or as `absent` and `tag` say, its body not read yet
 * @throws CommandFailure `unreachable`, `denied`, `notFound` or `failure`
 */
export async function adminCall(call: AdminCall): Promise<IncomingMessage> {
  const response = await reach(call);
  const status = response.statusCode ?? 0;
  if (response.headers['x-consul-results-filtered-by-acls'] === 'true') call.onLeftOut?.();
  if (status === 404 && call.absent === true && response.headers['x-consul-index'] !== undefined) return response;
  if (status === 304 && call.tag !== undefined) return response;
  if (status === 200) {
    if (response.headers['content-type'] === call.expect) return response;
    response.destroy();
    throw strange(call.servers, status);
  }
  const message = refusalIn(response, await textOf(response));
  if (message === undefined) throw strange(call.servers, status);
  throw refused(status, message);
}

/** Exit code for each status, on Rollcall's own routes and on those of Consul. */
function refused(status: number, message: string): CommandFailure {
  if (message === 'ACL support disabled') {
    return new CommandFailure(exitCodes.failure, 'access control is off in this registry; start it with "rollcall serve --acl"');
  }
  if (status === 401 || message === 'ACL not found') return unknownToken(message);
  if (status === 403) return denied(message);
  return new CommandFailure(status === 404 ? exitCodes.notFound : exitCodes.failure, message);
}

/** @param message of the registry, which names the caller and the permission */
export function denied(message: string, cause?: unknown): CommandFailure {
  const hint = message.includes('anonymous token lacks') ? '; no token was given: name one with --token-file or ROLLCALL_TOKEN' : '';
  return new CommandFailure(exitCodes.denied, message + hint, { cause });
}

export function unknownToken(message: string): CommandFailure {
  const hint = 'the registry does not know this token, or no longer; name another one with --token-file or ROLLCALL_TOKEN';
  return new CommandFailure(exitCodes.denied, `${message}: ${hint}`);
}

async function reach(call: AdminCall): Promise<IncomingMessage> {
  const servers = call.body === undefined ? call.servers : call.servers.slice(0, 1);
  let last: { readonly server: string; readonly error: unknown } | undefined;
  for (const server of servers) {
    try {
      return await send(new URL(call.path, server), call);
    } catch (error) {
      last = { server, error };
    }
  }
  throw await unreachable(servers, last?.error, last?.server);
}

function send(url: URL, { method = 'GET', body, credentials, namespace = defaultNamespace, silenceMs = silenceUsualMs, signal, tag }: AdminCall): Promise<IncomingMessage> {
  const timeout = body instanceof Readable ? restoreSilenceMs : silenceMs;
  const { token, tls } = credentials;
  const headers = {
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    // In Consul Enterprise's form; a registry without namespaces refuses it.
    ...(namespace !== defaultNamespace && { 'X-Consul-Namespace': namespace, 'X-Rollcall-Namespace': namespace }),
    ...(tag !== undefined && { 'If-None-Match': tag }),
  };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { method, timeout, headers, signal, ...tls })
        : httpRequest(url, { method, timeout, headers, signal });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer for ${timeout / 1000} s`)));
    // A refusal may arrive while the body is still being sent; then the refusal counts.
    if (body instanceof Readable) pipeline(body, request).catch(reject);
    else request.end(body);
  });
}

type Asked = Pick<AdminCall, 'method' | 'body'>;

/** Calls a route that answers with JSON. @throws CommandFailure as `adminCall` */
export async function askJson<T>(target: Target, path: string, asked: Asked = {}): Promise<T> {
  const answer = await adminCall({ ...target, ...asked, path, expect: 'application/json' });
  return JSON.parse(await textOf(answer)) as T;
}

/**
 * Calls a route of Rollcall's own API. @throws CommandFailure as `adminCall`, and `failure` for an answer that this command cannot read
 */
export async function askAnswer<S extends Schema>(target: Target, path: string, schema: S, asked: Asked = {}): Promise<Shaped<S>> {
  return understood(target.servers, await askJson(target, path, asked), schema);
}

/** @throws CommandFailure `failure` when the answer is not what the schema says: the registry has another version */
export function understood<S extends Schema>(servers: readonly string[], answer: unknown, schema: S): Shaped<S> {
  const fault = faultInAnswer(answer, schema, 'the answer');
  if (fault !== undefined) throw new CommandFailure(exitCodes.failure, `this rollcall cannot read the answer of the registry at ${servers.join(', ')}: ${fault}; use the rollcall of its version`);
  return answer as Shaped<S>;
}

/** Calls a route with an empty answer. @throws CommandFailure as `adminCall` */
export async function tellRegistry(target: Target, path: string, asked: Asked = {}): Promise<void> {
  const answer = await adminCall({ method: 'PUT', body: '', ...target, ...asked, path, expect: undefined });
  answer.resume();
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The error body of the admin API; routes of Consul answer in plain text. */
function refusalIn(response: IncomingMessage, body: string): string | undefined {
  if (response.headers['content-type']?.startsWith('text/plain') === true && body.length < 10_000) return body.trim();
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

export function strange(servers: readonly string[], status: number | undefined): CommandFailure {
  const message = `what answers at ${servers.join(', ')} is not a Rollcall registry (HTTP status ${status}); check --addr`;
  return new CommandFailure(exitCodes.unreachable, message);
}

/** @param cause a socket's error; people understand its text better than its code */
export async function unreachable(
  servers: readonly string[],
  cause: unknown,
  server = servers[0] ?? '',
): Promise<CommandFailure> {
  const known = knownReason(cause);
  if (known === undefined) {
    const { connectionFailure } = await import('@rollcall/client');
    return new CommandFailure(exitCodes.unreachable, `cannot talk to ${server}: ${connectionFailure(cause, server)}`, { cause });
  }
  const message = `no registry answers at ${servers.join(', ')} (${known}); start one with "rollcall serve" (in a clone: npm start), or name another one with --addr`;
  return new CommandFailure(exitCodes.unreachable, message, { cause });
}

/** Why no server answers; undefined when the error is of another kind. */
function knownReason(cause: unknown): string | undefined {
  // Several addresses of one name failed, each with a separate error.
  if (cause instanceof AggregateError && cause.errors.length > 0) return knownReason(cause.errors[0]);
  const { code } = cause as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'no such host name',
    EHOSTUNREACH: 'host unreachable',
    ETIMEDOUT: 'no answer',
  };
  return code === undefined ? (cause as Error).message : known[code];
}
