/** Requests to a registry's HTTP routes, and what their failures mean to people. */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '@rollcall/client';
import { defaultNamespace } from '@rollcall/protocol';
import { credentialsOf } from './credentials.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { namespaceOf, serversOf, type RegistryFlags } from './servers.ts';
import { remark, type Terminal } from './terminal.ts';

/** The registry as a command line names it, with what is shown there. */
export interface Target {
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  /** Of what is read and written; `default` when absent. */
  readonly namespace?: string;
  /** Told each time that an answer lacks what the token may not read. */
  readonly onLeftOut?: () => void;
}

export interface AdminCall extends Target {
  readonly path: string;
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** What a registry answers with, undefined for an empty body; anything else comes from another kind of server. */
  readonly expect: 'application/json' | 'application/octet-stream' | 'application/x-gzip' | 'text/plain; charset=utf-8' | undefined;
  /** Whether 404 is an answer, too: the one for a key that is not there. */
  readonly absent?: true;
  /** How long it may say nothing, in milliseconds; 0: for ever. 30 s by default. */
  readonly silenceMs?: number;
  /** Ends the call, and the reading of its answer. */
  readonly signal?: AbortSignal;
  /** Sent once, to the first server. */
  readonly body?: Readable | Uint8Array | string;
}

/** A registry that says nothing for this long is as good as gone. */
const silenceUsualMs = 30_000;
/** It says nothing while it checks and commits a restore. */
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
 * Asks the first server that can be reached.
 *
 * @returns the answer, of status 200 or as `absent` says, its body not read yet
 * @throws CommandFailure `unreachable`, `denied`, `notFound` or `failure`
 */
export async function adminCall(call: AdminCall): Promise<IncomingMessage> {
  const response = await reach(call);
  const status = response.statusCode ?? 0;
  if (response.headers['x-consul-results-filtered-by-acls'] === 'true') call.onLeftOut?.();
  if (status === 404 && call.absent === true && response.headers['x-consul-index'] !== undefined) return response;
  if (status === 200) {
    if (response.headers['content-type'] === call.expect) return response;
    response.destroy();
    throw strange(call.servers, status);
  }
  const message = refusalIn(response, await textOf(response));
  if (message === undefined) throw strange(call.servers, status);
  throw refused(status, message);
}

/** What Rollcall says with each status, on its own routes and on those of Consul. */
function refused(status: number, message: string): CommandFailure {
  if (message === 'ACL support disabled') {
    return new CommandFailure(exitCodes.failure, 'access control is off in this registry; start it with "rollcall serve --acl"');
  }
  if (status === 401 || message === 'ACL not found') return unknownToken(message);
  if (status === 403) return new CommandFailure(exitCodes.denied, message);
  return new CommandFailure(status === 404 ? exitCodes.notFound : exitCodes.failure, message);
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

function send(url: URL, { method = 'GET', body, credentials, namespace = defaultNamespace, silenceMs = silenceUsualMs, signal }: AdminCall): Promise<IncomingMessage> {
  const timeout = body instanceof Readable ? restoreSilenceMs : silenceMs;
  const { token, tls } = credentials;
  const headers = {
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    // As Consul Enterprise names it; a registry that knows no namespaces refuses it.
    ...(namespace !== defaultNamespace && { 'X-Consul-Namespace': namespace }),
  };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { method, timeout, headers, signal, ...tls })
        : httpRequest(url, { method, timeout, headers, signal });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer for ${timeout / 1000} s`)));
    // A refusal may arrive while the body is still on its way; then that counts.
    if (body instanceof Readable) pipeline(body, request).catch(reject);
    else request.end(body);
  });
}

type Asked = Pick<AdminCall, 'method' | 'body'>;

/** The answer of a route that answers with JSON. @throws CommandFailure as `adminCall` */
export async function askJson<T>(target: Target, path: string, asked: Asked = {}): Promise<T> {
  const answer = await adminCall({ ...target, ...asked, path, expect: 'application/json' });
  return JSON.parse(await textOf(answer)) as T;
}

/** For a route that answers with nothing. @throws CommandFailure as `adminCall` */
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

/** @param cause a socket's error; its text says more to people than its code */
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

/** Why no server answers; undefined when one does and the fault is another. */
function knownReason(cause: unknown): string | undefined {
  // Several addresses of one name failed, each in its way.
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
