/** Requests to a registry's admin API, and what their failures mean to people. */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CommandFailure, exitCodes } from './failure.ts';

export interface AdminCall {
  readonly servers: readonly string[];
  readonly path: string;
  readonly method?: 'GET' | 'PUT';
  /** What a registry answers with; anything else comes from another kind of server. */
  readonly expect: 'application/json' | 'application/octet-stream';
  /** Sent once, to the first server. */
  readonly body?: Readable;
}

/** A registry that says nothing for this long is as good as gone. */
const silenceMs = 30_000;
/** It says nothing while it checks and commits a restore. */
const restoreSilenceMs = 600_000;

/**
 * Asks the first server that can be reached.
 *
 * @returns the answer, of status 200, its body not read yet
 * @throws CommandFailure `unreachable` or `failure`
 */
export async function adminCall(call: AdminCall): Promise<IncomingMessage> {
  const response = await reach(call);
  if (response.statusCode === 200) {
    if (response.headers['content-type'] === call.expect) return response;
    response.destroy();
    throw strange(call.servers, response.statusCode);
  }
  const refusal = parsed(await textOf(response));
  if (refusal === undefined) throw strange(call.servers, response.statusCode);
  throw new CommandFailure(exitCodes.failure, refusal.message);
}

async function reach(call: AdminCall): Promise<IncomingMessage> {
  const servers = call.body === undefined ? call.servers : call.servers.slice(0, 1);
  let last: unknown;
  for (const server of servers) {
    try {
      return await send(new URL(call.path, server), call);
    } catch (error) {
      last = error;
    }
  }
  throw unreachable(servers, last);
}

function send(url: URL, { method = 'GET', body }: AdminCall): Promise<IncomingMessage> {
  const timeout = body === undefined ? silenceMs : restoreSilenceMs;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { method, timeout });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer for ${timeout / 1000} s`)));
    if (body === undefined) request.end();
    // A refusal may arrive while the body is still on its way; then that counts.
    else pipeline(body, request).catch(reject);
  });
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** The error body of the admin API. */
function parsed(body: string): { message: string } | undefined {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? { message } : undefined;
  } catch {
    return undefined;
  }
}

function strange(servers: readonly string[], status: number | undefined): CommandFailure {
  const message = `what answers at ${servers.join(', ')} is not a Rollcall registry (HTTP status ${status}); check --addr`;
  return new CommandFailure(exitCodes.unreachable, message);
}

/** @param cause a socket's error; its text says more to people than its code */
export function unreachable(servers: readonly string[], cause: unknown): CommandFailure {
  const message = `no registry answers at ${servers.join(', ')} (${reasonOf(cause)}); start one with "rollcall serve" (in a clone: npm start), or name another one with --addr`;
  return new CommandFailure(exitCodes.unreachable, message, { cause });
}

function reasonOf(cause: unknown): string {
  // Several addresses of one name failed, each in its way.
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  const { code, message } = cause as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection broken off',
    ENOTFOUND: 'no such host name',
    EHOSTUNREACH: 'host unreachable',
    ETIMEDOUT: 'no answer',
  };
  return known[code ?? ''] ?? message;
}
