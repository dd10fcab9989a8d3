/**
 * The admin front end: metrics, liveness and readiness of the server itself, its status, backup and
 * restore, and the operator's override of self-preservation. Not a way to read or write what is
 * registered, except as a whole.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultNamespace, RegistryError, toRegistryError } from '@rollcall/protocol';
import { bearerToken } from '../../net/bearer.ts';
import { BodyTooLarge } from '../../net/body.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { Transfers } from '../../net/transfers.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures, type Origin } from '../../security/gate.ts';
import { countsOf } from './availability.ts';
import type { AdminDeps } from './deps.ts';
import { errorBody, statusOf } from './errors.ts';
import { exposeRegistry } from './registry-metrics.ts';
import { routes, type Action, type Route } from './routes.ts';
import { statusPage } from './status.ts';

const json = 'application/json';
const text = 'text/plain; charset=utf-8';

const backupHead = {
  'Content-Type': 'application/octet-stream',
  'Content-Disposition': 'attachment; filename="rollcall.backup"',
  'Cache-Control': 'no-store',
};

export function admin(context: Context, deps: AdminDeps): Frontend {
  const { metrics, log } = context;
  const { acl, gate } = context.security;
  assertAccessDeclared('admin', routes.map(({ path, access }) => ({ name: path, access })));
  const counts = countsOf(context.registry.state);
  const transfers = new Transfers(context, deps);
  exposeRegistry(metrics, context.registry, counts);

  const actions: Readonly<Record<Action, (exchange: Exchange) => Promise<void> | void>> = {
    async metrics({ response }) {
      send(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
    },
    healthz: ({ response }) => send(response, 200, text, 'ok\n'),
    readyz({ response }) {
      const reason = deps.notReady();
      if (reason !== undefined) throw new RegistryError('unavailable', reason);
      send(response, 200, text, 'ok\n');
    },
    async status({ response }) {
      send(response, 200, json, jsonLine(statusPage(context, deps, await counts())));
    },
    backup: ({ response }) => transfers.save(response, backupHead),
    async restore(exchange) {
      const restored = await transfers.restore(exchange.request);
      log.warn(restored, 'restored from a backup: everything that was registered before is replaced');
      send(exchange.response, 200, json, jsonLine(restored));
    },
    override({ request, response }) {
      const expired = deps.overrideExpiry();
      log.warn({ client: request.socket.remoteAddress, expired }, 'an operator has overridden self-preservation');
      send(response, 200, json, jsonLine({ expired }));
    },
  };

  /** @throws RegistryError `unauthenticated`, `permission_denied`; TooManyFailures */
  const admit = (request: IncomingMessage, { path, access }: Route, origin: Origin): Caller | undefined => {
    if (access.kind === 'open') return undefined;
    const caller = gate.enter(bearerToken(request), origin);
    try {
      acl.authorize(caller, defaultNamespace, access.resource, access.verb, access.kind === 'demands' ? '' : context.identity.nodeName);
    } catch (error) {
      gate.record('denied', caller, '', origin, `${request.method} ${path}`);
      throw error;
    }
    return caller;
  };

  const answer = async (exchange: Exchange, route: Route): Promise<void> => {
    const { request, response } = exchange;
    const origin = { address: request.socket.remoteAddress ?? '', via: 'admin' };
    try {
      const reason = route.guarded ? context.origins.refusal(request) : undefined;
      if (reason !== undefined) {
        gate.record('denied', undefined, '', origin, `${request.method} ${route.path}, for a page: ${reason}`);
        throw new RegistryError('permission_denied', reason);
      }
      const caller = admit(request, route, origin);
      await actions[route.action](exchange);
      if (route.audited) gate.record('write', caller, '', origin, `${request.method} ${route.path}`);
    } catch (error) {
      fail(exchange, error);
    }
    metrics.request(route.path, response.statusCode);
  };

  const fail = ({ request, response }: Exchange, error: unknown): void => {
    const failure = toRegistryError(error);
    if (response.headersSent) {
      log.warn({ err: failure, path: request.url }, 'answer broken off');
      response.destroy();
      return;
    }
    const status = error instanceof BodyTooLarge ? 413 : statusOf[failure.code];
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    if (error instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(error.retryAfterMs / 1_000));
    if (status >= 500 && status !== 503) log.error({ err: failure, path: request.url }, 'request failed');
    send(response, status, json, errorBody(failure.code, failure.message));
  };

  const refuse = ({ request, response, path }: Exchange, route: Route | undefined): void => {
    if (route === undefined) {
      const known = routes.map((each) => each.path).join(', ');
      send(response, 404, json, errorBody('not_found', `no such path ${path.slice(0, 200)}; there are ${known}`));
    } else {
      response.setHeader('Allow', route.methods.join(', '));
      const message = `${request.method} ${route.path} is not possible; use ${route.methods.join(' or ')}`;
      send(response, 405, json, errorBody('invalid_argument', message));
    }
    metrics.request(route?.path ?? 'admin', response.statusCode);
  };

  return {
    name: 'admin',
    http: {
      prefixes: ['/metrics', '/healthz', '/readyz', ...prefixesOf('/rollcall/v1/')],
      handle(exchange) {
        const route = routes.find((each) => each.path === exchange.path);
        if (route?.methods.includes(exchange.request.method ?? '') === true) void answer(exchange, route);
        else refuse(exchange, route);
      },
    },
    close: () => transfers.close(),
  };
}

/** The paths of this front end below a prefix that other front ends use as well. */
function prefixesOf(shared: string): string[] {
  return routes.map(({ path }) => path).filter((path) => path.startsWith(shared));
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
