/**
 * A front end whose surface is a table of routes with patterns: it keeps foreign web pages out, finds route, parts of the path and caller,
 * runs the route, and gives each error to the protocol, which writes it in its own form. It holds no state of the registry.
 *
 *   handle ─► page of another origin? ─► route ─► parts ─► caller ─► run ─► metrics
 *
 * Parts are decoded once. A part that is not well encoded, or has a slash, a backslash, a control character or `..` after decoding, is refused
 * unless the route says that it may be a path.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRegistryError, RegistryError, toRegistryError, type ErrorCode } from '@rollcall/protocol';
import { assertAccessDeclared, type Access } from '../security/access.ts';
import { deniedNamespace } from '../security/access-error.ts';
import type { Caller } from '../security/acl.ts';
import { TooManyFailures, type Origin } from '../security/gate.ts';
import type { Context, Exchange, Frontend, HttpService } from './frontend.ts';
import { requestToken } from './request-token.ts';

export interface RoutedCall {
  readonly context: Context;
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly origin: Origin;
  /** The named groups of the pattern, decoded; a group that took no part is missing. */
  readonly parts: Readonly<Record<string, string>>;
}

export interface RoutedRoute {
  /** For metrics and the access matrix: `/configs/{app}/{cluster}/{name}`. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly access: Access;
  /** Matched against the path as it was sent. */
  readonly pattern: RegExp;
  /** A page without data of the registry: links of other sites may lead to it. */
  readonly isPage?: boolean;
  readonly run: (call: RoutedCall) => void | Promise<void>;
}

export interface RoutedOptions {
  readonly name: string;
  readonly prefixes: readonly string[];
  readonly routes: readonly RoutedRoute[];
  /** A further place of the token in this protocol, when the request has none in the usual ones. */
  readonly token?: (request: IncomingMessage) => string | readonly string[] | undefined;
  /** Finds the caller by other means than a token; undefined: by the token. @throws RegistryError `unauthenticated` */
  readonly enter?: (call: Omit<RoutedCall, 'caller'>) => Promise<Caller> | undefined;
  readonly sendError: (response: ServerResponse, failure: Failure, path: string) => void;
  /** Answers everything that waits. */
  readonly close?: () => void | Promise<void>;
}

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** What was thrown; absent when there is no such route. */
  readonly error?: unknown;
  /** The parts of the path, when its route was found. */
  readonly parts: Readonly<Record<string, string>>;
  /** 405 for a method that the path does not have; otherwise the protocol chooses by the code. */
  readonly status?: number;
}

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function routedFrontend(context: Context, options: RoutedOptions): Frontend {
  assertAccessDeclared(options.name, options.routes.map(({ path, access }) => ({ name: path, access })));
  return new RoutedFrontend(context, options);
}

class RoutedFrontend implements Frontend {
  readonly name: string;
  readonly http: HttpService;
  readonly #context: Context;
  readonly #options: RoutedOptions;
  #isClosing = false;

  constructor(context: Context, options: RoutedOptions) {
    this.name = options.name;
    this.http = { prefixes: options.prefixes, handle: (exchange) => void this.#handle(exchange) };
    this.#context = context;
    this.#options = options;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#options.close?.();
  }

  async #handle(exchange: Exchange): Promise<void> {
    const { request, response, path } = exchange;
    const origin = { address: request.socket.remoteAddress ?? '', via: this.name };
    const context = this.#context;
    const matches = this.#options.routes.flatMap((route) => {
      const found = route.pattern.exec(path);
      return found === null ? [] : [{ route, found }];
    });
    const match = matches.find(({ route }) => route.methods.includes(request.method ?? ''));
    let caller: Caller | undefined;
    let parts: Readonly<Record<string, string>> = {};
    try {
      if (this.#isClosing) response.shouldKeepAlive = false;
      const refusal = context.origins.refusal(request, match?.route.isPage);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      if (match === undefined) {
        this.#refuse(exchange, matches.flatMap(({ route }) => route.methods));
        return;
      }
      parts = decoded(match.found.groups ?? {});
      const call = { context, exchange, origin, parts };
      caller = (await this.#options.enter?.(call)) ?? context.security.gate.enter(this.#token(request), origin);
      await match.route.run({ ...call, caller });
    } catch (error) {
      this.#fail(exchange, { parts, caller, origin, error });
    } finally {
      context.metrics.request(match?.route.path ?? this.name, response.statusCode);
    }
  }

  #token(request: IncomingMessage): string | undefined {
    const own = this.#options.token?.(request);
    return requestToken(request) ?? (typeof own === 'string' ? own : own?.[0]);
  }

  #refuse({ request, response, path }: Exchange, methods: readonly string[]): void {
    const { sendError } = this.#options;
    if (methods.length === 0) {
      const known = this.#options.routes.map((route) => route.path).join(', ');
      sendError(response, { code: 'not_found', message: `no such path ${path.slice(0, 200)}; there is ${known}`, parts: {} }, path);
      return;
    }
    response.setHeader('Allow', methods.join(', '));
    sendError(response, { code: 'invalid_argument', message: `${request.method} is not possible here; use ${methods.join(' or ')}`, status: 405, parts: {} }, path);
  }

  #fail({ request, response, path }: Exchange, failed: { parts: Readonly<Record<string, string>>; caller: Caller | undefined; origin: Origin; error: unknown }): void {
    const { parts, caller, origin, error } = failed;
    if (isRegistryError(error, 'cancelled')) {
      request.destroy();
      return;
    }
    const { code, message } = toRegistryError(error);
    const { log, security } = this.#context;
    if (code === 'internal') log.error({ err: error, path }, 'a request failed');
    if (code === 'permission_denied') security.gate.record('denied', caller, deniedNamespace(error), origin, `${request.method} ${path}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(error.retryAfterMs / 1_000));
    if (code === 'unauthenticated' && !response.hasHeader('WWW-Authenticate')) response.setHeader('WWW-Authenticate', 'Basic realm="rollcall"');
    this.#options.sendError(response, { code, message, error, parts }, path);
  }
}

/** Parts whose names end in `Path` may have slashes. @throws RegistryError `invalid_argument` */
function decoded(groups: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const parts: Record<string, string> = {};
  for (const [name, raw] of Object.entries(groups)) {
    if (raw === undefined) continue;
    parts[name] = decodePart(raw, name.endsWith('Path'));
  }
  return parts;
}

/**
 * Decodes a part of a path once. What is still encoded afterwards stays text, so `%252e` never becomes a dot.
 * @throws RegistryError `invalid_argument` for a bad encoding, and for text that could lead out of a folder
 */
function decodePart(raw: string, mayBePath = false): string {
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    throw new RegistryError('invalid_argument', `${JSON.stringify(raw.slice(0, 80))} in the path is not percent-encoded well`);
  }
  const segments = mayBePath ? text.split('/') : [text];
  // Encoded twice, they are refused, too: a proxy or client may decode once more.
  const isBad = segments.some((segment) => /[\\/\p{Cc}]/u.test(segment) || /^\.{1,2}(?:[;\s]|$)/.test(segment) || /%(?:25)*(?:2e|2f|5c|00)/i.test(segment));
  if (isBad) throw new RegistryError('invalid_argument', `${JSON.stringify(text.slice(0, 80))} in the path is refused: it could lead out of a folder`);
  return text;
}

/** Sends a short body. */
export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
