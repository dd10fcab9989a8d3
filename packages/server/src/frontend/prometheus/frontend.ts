/**
 * The front end for Prometheus' HTTP service discovery: finds the caller, reads the question, and sends the list of targets.
 *
 *   handle ─► page of another origin? ─► route ─► caller ─► question ─► list of the revision, encoded once
 *
 * Prometheus replaces its targets by each list with status 200, and keeps them after any other status. So a list is sent whole or not at
 * all: an error is never an empty list. It holds no registry state.
 */

import type { IncomingMessage } from 'node:http';
import { isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Context, Exchange, Frontend, HttpService } from '../../net/frontend.ts';
import { ListBodies, takesGzip } from '../../net/list-bodies.ts';
import type { DescribedRoute } from '../../net/open-api.ts';
import { requestToken } from '../../net/request-token.ts';
import { catalogView, serviceView } from '../../registry/kind/catalog/views.ts';
import { namespacesView } from '../../registry/kind/namespace/views.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { sendError } from './errors.ts';
import { everyNamespace, readQuestion, type Question } from './question.ts';
import { routes } from './routes.ts';
import { Targets } from './targets.ts';

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function prometheus(context: Context): Frontend {
  assertAccessDeclared('prometheus', routes.map(({ path, access }) => ({ name: path, access })));
  return new PrometheusFrontend(context);
}

/** Label of requests in the metrics for which there is no route. */
const prefix = '/prometheus/';

class PrometheusFrontend implements Frontend {
  readonly name = 'prometheus';
  readonly http: HttpService = { prefixes: [prefix], handle: (exchange) => void this.#handle(exchange) };
  readonly #context: Context;
  readonly #lists: ListBodies;
  readonly #targets: Targets;

  constructor(context: Context) {
    this.#context = context;
    this.#lists = new ListBodies(context, 'prometheus');
    const { memory, turns: { pace } } = this.#lists;
    this.#targets = new Targets({ views: context.registry.views, answers: context.answers, pace, memory });
  }

  close(): Promise<void> {
    return this.#lists.idle();
  }

  async #handle(exchange: Exchange): Promise<void> {
    const { request, response, path, query } = exchange;
    const route = routes.find((each) => each.path === path);
    try {
      const refusal = this.#context.origins.refusal(request);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      if (route?.methods.includes(request.method ?? '') !== true) {
        this.#refuse(exchange, route);
        return;
      }
      await this.#answer(exchange, this.#enter(request), readQuestion(query));
    } catch (error) {
      this.#fail(exchange, error);
    }
    this.#context.metrics.request(route?.path ?? prefix, response.statusCode);
  }

  /**
   * A header without a token that can be read is an error here, not the lack of a token: the list of an anonymous caller would remove all
   * targets. Prometheus sends such a header for `authorization` without `type` (seen with 2.42).
   * @throws RegistryError `unauthenticated`; TooManyFailures
   */
  #enter(request: IncomingMessage): Caller {
    const { acl, gate } = this.#context.security;
    const secret = requestToken(request);
    if (secret === undefined && acl.enabled && request.headers.authorization !== undefined) {
      throw new RegistryError('unauthenticated', 'the Authorization header is neither Bearer nor Basic; in Prometheus, write type: Bearer beside the credentials');
    }
    return gate.enter(secret, { address: request.socket.remoteAddress ?? '', via: 'prometheus' });
  }

  async #answer({ request, response }: Exchange, caller: Caller, question: Question): Promise<void> {
    // A list must not be older than one that another node has sent: Prometheus would drop what is new.
    await this.#lists.caughtUp();
    const { authorizer } = caller;
    const named = question.namespace || caller.namespace;
    const namespace = named === everyNamespace ? named : namespaceFor(caller, named);
    const seesAll = namespace !== everyNamespace && authorizer.allowsAll(namespace, 'service', 'read');
    const list = {
      name: `${namespace} ${question.name}`,
      form: 'json',
      viewer: this.#lists.viewerOf(authorizer, seesAll),
      revision: () => this.#revision(namespace, question),
      make: (frozen: Parameters<Targets['list']>[0]) => this.#targets.list(frozen, authorizer, namespace, question),
      inParts: question.tags.length === 0 && question.filter === '',
    };
    const { body, gzip } = await this.#lists.find(response, list, takesGzip(request.headers));
    if (body !== undefined) this.#lists.send(response, { contentType: 'application/json', vary: 'Accept-Encoding' }, body, gzip);
  }

  /** Of everything that a list shows. */
  #revision(namespace: string, { services }: Question): number {
    const { views } = this.#context.registry;
    if (namespace === everyNamespace) return Math.max(views.revision(catalogView()), views.revision(namespacesView()));
    if (services.length === 0) return views.revision(catalogView());
    return Math.max(...services.map((service) => views.revision(serviceView(namespace, service))));
  }

  #refuse({ request, response, path }: Exchange, route: DescribedRoute | undefined): void {
    if (route !== undefined) {
      response.setHeader('Allow', route.methods.join(', '));
      sendError(response, 'invalid_argument', `${request.method} ${route.path} is not possible; use ${route.methods.join(' or ')}`, 405);
      return;
    }
    const known = routes.map((each) => each.path).join(', ');
    sendError(response, 'not_found', `no such path ${path.slice(0, 200)}; there is ${known}`);
  }

  #fail({ request, response, path }: Exchange, thrown: unknown): void {
    if (isRegistryError(thrown, 'cancelled')) {
      request.destroy();
      return;
    }
    const { code, message } = toRegistryError(thrown);
    const { log } = this.#context;
    if (code === 'internal') log.error({ err: thrown, path }, 'a request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (thrown instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(thrown.retryAfterMs / 1_000));
    if (code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Basic realm="rollcall"');
    sendError(response, code, message);
  }
}
