/**
 * The native JSON API of configurations: finds the route and the caller, reads the body by its schema, and answers. What may be done is
 * decided in the registry, and by the rights that each route declares.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import { AnswerMemory } from '../../net/answer-memory.ts';
import { Body } from '../../net/answers.ts';
import { BodyTooLarge, readBody } from '../../net/body.ts';
import { BodySender } from '../../net/body-sender.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { parseBody } from '../../net/json-body.ts';
import { LargeBodies } from '../../net/large-bodies.ts';
import { pastOf } from '../../net/past.ts';
import { requestToken } from '../../net/request-token.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { Turns } from '../../net/turns.ts';
import { ViewTags } from '../../net/view-tags.ts';
import { configLimits } from '../../registry/kind/config/commands.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { Call } from './call.ts';
import { routes, type Route } from './routes.ts';

const prefix = '/rollcall/v1/config';

/** A byte of content has six characters in JSON at most (`\u0000`). */
const bodyBytesMax = configLimits.contentBytesMax * 6 + 1_048_576;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function config(context: Context): Frontend {
  const { metrics, log, origins, security: { acl, gate } } = context;
  assertAccessDeclared('config', routes.map(({ path, access }) => ({ name: path, access })));
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const turns = new Turns();
  const memory = new AnswerMemory();
  const large = new LargeBodies(memory, new BodySender());
  const tags = new ViewTags(context.registry.views, context.uuid().slice(0, 8));

  const answer = async (exchange: Exchange, route: Route): Promise<void> => {
    const { request, response } = exchange;
    const origin = { address: request.socket.remoteAddress ?? '', via: 'config' };
    const action = `${request.method} ${route.path}`;
    let call: Call | undefined;
    let caller: Caller | undefined;
    try {
      const refusal = origins.refusal(request);
      if (refusal !== undefined) {
        gate.record('denied', undefined, '', origin, `${action}, for a page: ${refusal}`);
        throw new RegistryError('permission_denied', refusal);
      }
      caller = gate.enter(requestToken(request), origin);
      const body = route.body === undefined || request.method === 'DELETE' ? {} : parseBody(await readBody(request, bodyBytesMax), route.body);
      call = new Call(context, exchange, caller, body, { turns, memory });
      const past = route.hasPast === true ? await pastOf(context.history, exchange) : undefined;
      if (past !== undefined) call.showAsOf(past);
      // Who sees a secret is in the audit log each time.
      if (past === undefined && route.shows !== undefined && call.params.get('reveal') !== 'true') {
        const tag = tags.tagOf(caller.authorizer, route.shows(call));
        response.setHeader('ETag', tag);
        if (request.headers['if-none-match'] === tag) {
          response.writeHead(304, { 'Cache-Control': 'no-store' }).end();
          metrics.request(route.path, 304);
          return;
        }
      }
      const answered = await route.handle(call);
      const { namespace, name } = call.about;
      if (route.audited || call.revealed) gate.record('write', caller, namespace, origin, `${action}${name === '' ? '' : ` of ${JSON.stringify(name)}`}${call.revealed ? ', with its secrets' : ''}`);
      if (answered instanceof Body) sendLarge(exchange, answered);
      else send(exchange, 200, answered);
    } catch (error) {
      const { code } = toRegistryError(error);
      if (caller !== undefined && code === 'permission_denied') gate.record('denied', caller, call?.about.namespace ?? '', origin, `${action} of ${JSON.stringify(call?.about.name ?? '')}`);
      fail(exchange, error);
    }
    metrics.request(route.path, response.statusCode);
  };

  const sendLarge = ({ request, response }: Exchange, body: Body): void => {
    const begin = () => void response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.bytes, 'Cache-Control': 'no-store' });
    if (request.method !== 'HEAD') return large.send(response, begin, body);
    begin();
    response.end();
  };

  const fail = (exchange: Exchange, error: unknown): void => {
    const { request, response } = exchange;
    const { code, message } = toRegistryError(error);
    if (response.headersSent || code === 'cancelled') {
      request.destroy();
      return;
    }
    response.removeHeader('ETag');
    response.removeHeader('X-Rollcall-As-Of');
    const status = error instanceof BodyTooLarge ? 413 : statusByCode[code];
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    if (error instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(error.retryAfterMs / 1_000));
    if (code === 'internal') log.error({ err: error, path: request.url }, 'request failed');
    send(exchange, status, errorBody(acl, { code, message, error }));
  };

  const refuse = (exchange: Exchange, route: Route | undefined): void => {
    const { request, response, path } = exchange;
    if (route === undefined) {
      send(exchange, 404, { code: 'not_found', message: `no such path ${path.slice(0, 200)}; there are ${routes.map((each) => each.path).join(', ')}` });
    } else {
      response.setHeader('Allow', route.methods.join(', '));
      send(exchange, 405, { code: 'invalid_argument', message: `${request.method} ${route.path} is not possible; use ${route.methods.join(' or ')}` });
    }
    metrics.request(route?.path ?? prefix, response.statusCode);
  };

  return {
    name: 'config',
    http: {
      prefixes: [prefix],
      handle(exchange) {
        const route = byPath.get(exchange.path);
        if (route?.methods.includes(exchange.request.method ?? '') === true) void answer(exchange, route);
        else refuse(exchange, route);
      },
    },
    close: () => turns.idle(),
  };
}

function send({ response }: Exchange, status: number, body: object): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': bytes.length, 'Cache-Control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
