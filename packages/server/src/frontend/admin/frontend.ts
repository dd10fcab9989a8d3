/**
 * The admin front end: metrics, liveness and readiness of the server itself, its status, backup and
 * restore, and what operators order: the override of self-preservation, the override of an instance's status, the record
 * of a service. Registrations and reads of the catalog belong to the other front ends.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultNamespace, RegistryError, toRegistryError } from '@rollcall/protocol';
import { BodyTooLarge } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { openApi, type DescribedRoute } from '../../net/open-api.ts';
import { requestToken } from '../../net/request-token.ts';
import { Transfers } from '../../net/transfers.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import { TooManyFailures, type Origin } from '../../security/gate.ts';
import { countsOf } from './availability.ts';
import { clusterPage } from './cluster-page.ts';
import type { AdminDeps } from './deps.ts';
import { statusOf } from './errors.ts';
import { exposeRegistry } from './registry-metrics.ts';
import { routes, type Action, type Route } from './routes.ts';
import { serviceRecord, setInstanceStatus, type Demand } from './service-requests.ts';
import { statusPage } from './status.ts';

const json = 'application/json';
const text = 'text/plain; charset=utf-8';

const backupHead = {
  'Content-Type': 'application/octet-stream',
  'Content-Disposition': 'attachment; filename="rollcall.backup"',
  'Cache-Control': 'no-store',
};

/**
 * @param others finds the routes of other front ends that the OpenAPI document has; asked when the document is first read
 * @throws RegistryError `failed_precondition` if a route declares no access
 */
export function admin(context: Context, deps: AdminDeps, others: () => Promise<readonly DescribedRoute[]> = async () => []): Frontend {
  const { metrics, log } = context;
  const { acl, gate } = context.security;
  assertAccessDeclared('admin', routes.map(({ path, access }) => ({ name: path, access })));
  const counts = countsOf(context.registry.state);
  const transfers = new Transfers(context, deps);
  exposeRegistry(metrics, context.registry, counts);
  let document: Promise<string> | undefined;
  const makeDocument = async () => jsonLine(openApi(context.identity.version, [...routes, ...(await others())]));

  const actions: Readonly<Record<Action, (exchange: Exchange, demand: Demand) => Promise<void> | void>> = {
    async metrics({ response }) {
      send(response, 200, metrics.registry.contentType, await deps.metricsPage());
    },
    healthz: ({ response }) => send(response, 200, text, 'ok\n'),
    readyz({ response }) {
      const reason = deps.notReady();
      if (reason !== undefined) throw new RegistryError('unavailable', reason);
      send(response, 200, text, 'ok\n');
    },
    async status({ response }) {
      send(response, 200, json, jsonLine(statusPage(context, await deps.processes(), await counts())));
    },
    async cluster({ request, response }) {
      const text = jsonLine(clusterPage(context, await deps.cluster()));
      const tag = `"${createHash('sha1').update(text).digest('base64url')}"`;
      response.setHeader('ETag', tag);
      if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
      else send(response, 200, json, text);
    },
    backup: ({ response }) => transfers.save(response, backupHead),
    async restore(exchange) {
      const restored = await transfers.restore(exchange.request);
      log.warn(restored, 'restored from a backup: everything that was registered before is replaced');
      send(exchange.response, 200, json, jsonLine(restored));
    },
    async override({ request, response }) {
      const { expired, missing } = await deps.overrideExpiry();
      log.warn({ client: request.socket.remoteAddress, expired, missing }, 'an operator has overridden self-preservation');
      send(response, 200, json, jsonLine({ expired, missing }));
    },
    async leave({ request, response }) {
      log.warn({ client: request.socket.remoteAddress }, 'an operator makes this node leave its store');
      await deps.leave();
      send(response, 200, json, jsonLine({ left: true }));
    },
    async 'instance-status'(exchange, demand) {
      send(exchange.response, 200, json, jsonLine(await setInstanceStatus(context, exchange, demand)));
    },
    async 'open-api'({ response }) {
      send(response, 200, json, await (document ??= makeDocument()));
    },
    async 'service-record'(exchange, demand) {
      send(exchange.response, 200, json, jsonLine(await serviceRecord(context, exchange, demand)));
    },
  };

  /**
   * The caller, and what checks the caller's permissions. Permissions on a service are checked by the action, which knows the
   * service; all others here.
   * @throws RegistryError `unauthenticated`, `permission_denied`; TooManyFailures
   */
  const admit = (request: IncomingMessage, { path, access }: Route, origin: Origin): { caller?: Caller; demand: Demand } => {
    if (access.kind === 'open') return { demand: () => {} };
    const caller = gate.enter(requestToken(request), origin);
    const authorize = (namespace: string, resource: Resource, verb: Verb, name: string): void => {
      try {
        acl.authorize(caller, namespace || defaultNamespace, resource, verb, name);
      } catch (error) {
        gate.record('denied', caller, namespace, origin, `${request.method} ${path}`);
        throw error;
      }
    };
    const { kind, resource, verb } = access;
    if (kind === 'demands') authorize('', resource, verb, '');
    else if (resource === 'agent') authorize('', resource, verb, context.identity.nodeName);
    return { caller, demand: (needed, { namespace, name }) => authorize(namespace, 'service', needed, name) };
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
      const { caller, demand } = admit(request, route, origin);
      let about = '';
      await actions[route.action](exchange, (verb, service) => {
        about = service.namespace;
        demand(verb, service);
      });
      const audited = route.audited === true || (route.audited === 'changes' && !isRead(request));
      if (audited) gate.record('write', caller, about, origin, `${request.method} ${route.path}`);
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
    send(response, status, json, line(errorBody(acl, { code: failure.code, message: failure.message, error })));
  };

  const refuse = ({ request, response, path }: Exchange, route: Route | undefined): void => {
    if (route === undefined) {
      const known = routes.map((each) => each.path).join(', ');
      send(response, 404, json, line({ code: 'not_found', message: `no such path ${path.slice(0, 200)}; there are ${known}` }));
    } else {
      response.setHeader('Allow', route.methods.join(', '));
      const message = `${request.method} ${route.path} is not possible; use ${route.methods.join(' or ')}`;
      send(response, 405, json, line({ code: 'invalid_argument', message }));
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

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** The paths of this front end below a prefix that other front ends use as well. */
function prefixesOf(shared: string): string[] {
  return routes.map(({ path }) => path).filter((path) => path.startsWith(shared));
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function line(value: object): string {
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
