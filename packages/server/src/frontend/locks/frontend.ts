/**
 * The JSON API of locks, for programs without the native stream. It checks bodies by the same rules as the frames of the stream, proves sessions by
 * their token, and hands the rest to `locks/`. It keeps nothing: a contender that waits keeps its place when its request breaks, and may ask again.
 */

import type { ServerResponse } from 'node:http';
import { checkRequest, defaultNamespace, isNamespaceName, RegistryError, toRegistryError, type RequestFrame } from '@rollcall/protocol';
import type { ContenderRef, Grant, SessionRef } from '../../locks/locks.ts';
import type { Body as EncodedBody } from '../../net/answers.ts';
import { readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { parseObject } from '../../net/json-body.ts';
import { ListBodies, takesGzip } from '../../net/list-bodies.ts';
import { pastOf } from '../../net/past.ts';
import { principalOf } from '../../net/principal.ts';
import { requestToken } from '../../net/request-token.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { prefixView } from '../../registry/kind/kv/views.ts';
import { locksView } from '../../registry/kind/lock/views.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { heldKeyList, lockList, type ListQuestion } from './lists.ts';
import { oneLock } from './one-lock.ts';
import { reasonMax, routes, rowsMax, waitMsMax, type Action, type Route } from './routes.ts';
import { rightsOn, seesAddresses } from './shown.ts';

const prefix = '/rollcall/v1/locks';
const bodyBytesMax = 262_144;

type Body = Readonly<Record<string, unknown>>;

/** One request, whose caller is known. */
interface Asked {
  readonly exchange: Exchange;
  readonly action: Action;
  readonly caller: Caller;
  readonly namespace: string;
  readonly body: Body;
}

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function locks(context: Context): Frontend {
  assertAccessDeclared('locks', routes.map(({ path, access }) => ({ name: path, access })));
  return new LocksFrontend(context);
}

class LocksFrontend implements Frontend {
  readonly name = 'locks';
  readonly http = { prefixes: [prefix], handle: (exchange: Exchange) => void this.#handle(exchange) };
  readonly #context: Context;
  /** Of the requests that wait for a lock: each ends with its client, or with the server. */
  readonly #waits = new Set<AbortController>();
  readonly #lists: ListBodies;
  /** Numbers of viewers mean nothing to another process. */
  readonly #process: string;
  #isClosing = false;

  constructor(context: Context) {
    this.#context = context;
    this.#lists = new ListBodies(context, 'locks');
    this.#process = context.uuid().slice(0, 8);
  }

  close(): Promise<void> {
    this.#isClosing = true;
    for (const wait of this.#waits) wait.abort(closing());
    return this.#lists.idle();
  }

  readonly #actions: Readonly<Record<Action, (asked: Asked) => Promise<object | undefined> | object | undefined>> = {
    look: (asked) => this.#look(asked),
    list: (asked) => this.#list(asked),
    keys: (asked) => this.#list(asked),
    expel: async (asked) => {
      const { name, contender } = this.#chosen(asked);
      return { expelled: await this.#context.locks.expel(asked.namespace, name, contender) };
    },
    'hand-over': async (asked) => {
      const { name, contender } = this.#chosen(asked);
      const { to } = this.#frame({ ...asked, body: { ...asked.body, session: unnamed.id } }, 'lock-transfer');
      return { handedOver: await this.#context.locks.handOver(asked.namespace, name, contender, to) };
    },
    session: async (asked) => {
      const { session, ttlMs, name } = this.#frame(asked, 'lock-session');
      this.#demand(asked, 'write', name);
      const ref = { namespace: asked.namespace, id: session.id };
      await this.#context.locks.open(ref, session.token, { ttlMs, name, by: { address: asked.exchange.request.socket.remoteAddress ?? '' }, principal: this.#principal(asked) });
      return { session: session.id };
    },
    renew: async (asked) => {
      const session = this.#session(asked);
      const { grants } = this.#frame({ ...asked, body: { grants: [], ...asked.body, session: session.id } }, 'lock-renew');
      const standing = grants.map(({ name, contender, token }): Grant => ({ name, id: contender, token: BigInt(token) }));
      const lost = await this.#context.locks.renew(session, standing, this.#principal(asked));
      return { alive: lost !== undefined, lost: lost ?? grants.map(({ contender }) => contender) };
    },
    end: async (asked) => ({ ended: await this.#context.locks.end(this.#session(asked)) }),
    acquire: (asked) => this.#acquire(asked),
    release: async (asked) => ({ released: await this.#context.locks.release(this.#contender(asked)) }),
    transfer: async (asked) => {
      const contender = this.#contender(asked);
      this.#demand(asked, 'write', contender.name);
      const { to } = this.#frame({ ...asked, body: { ...asked.body, session: contender.session.id } }, 'lock-transfer');
      return { transferred: await this.#context.locks.transfer(contender, to) };
    },
  };

  async #handle(exchange: Exchange): Promise<void> {
    const { request, response, path } = exchange;
    const route = routes.find((each) => each.path === path);
    try {
      const refusal = this.#context.origins.refusal(request);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      if (route?.methods.includes(request.method ?? '') === true) await this.#answer(exchange, route);
      else this.#refuse(exchange, route);
    } catch (error) {
      this.#fail(exchange, error);
    }
    this.#context.metrics.request(route?.path ?? prefix, response.statusCode);
  }

  async #answer(exchange: Exchange, { action, path }: Route): Promise<void> {
    const { request, response, query } = exchange;
    const { gate } = this.#context.security;
    const origin = { address: request.socket.remoteAddress ?? '', via: 'locks' };
    const caller = gate.enter(requestToken(request), origin);
    const reads = request.method !== 'POST';
    const body = reads ? Object.fromEntries(new URLSearchParams(query)) : parseObject(await readBody(request, bodyBytesMax));
    const given = body['namespace'] ?? defaultNamespace;
    if (typeof given !== 'string' || !isNamespaceName(given)) throw new RegistryError('invalid_argument', 'namespace must be letters, digits and inner hyphens');
    const namespace = namespaceFor(caller, given);
    try {
      const answer = await this.#actions[action]({ exchange, action, caller, namespace, body });
      if (!reads && action !== 'renew') gate.record('write', caller, namespace, origin, auditLine(`${request.method} ${path}`, body));
      if (answer !== undefined) send(response, 200, answer);
    } catch (error) {
      const { code } = toRegistryError(error);
      if (code === 'permission_denied') gate.record('denied', caller, namespace, origin, `${request.method} ${path}`);
      throw error;
    }
  }

  /** Sends the answer itself, as for a list: there may be thousands of contenders. */
  async #look(asked: Asked): Promise<undefined> {
    const { exchange: { request, response }, caller: { authorizer }, namespace } = asked;
    const { name } = this.#frame({ ...asked, body: { ...asked.body, session: unnamed, ttlMs: 1_000 } }, 'lock-session');
    this.#demand(asked, 'read', name);
    const revision = (): number => this.#context.registry.views.revision(locksView(namespace));
    const view = { can: rightsOn(authorizer, namespace, name), seesAddresses: seesAddresses(authorizer, namespace) };
    const viewer = `${view.can.join('+')}${view.seesAddresses ? '+addresses' : ''}`;
    if (this.#isUnchanged(asked, `${this.#process}-${viewer}-${revision()}`)) return undefined;
    response.setHeader('Cache-Control', 'no-store');
    const { turns: { pace } } = this.#lists;
    const make = (frozen: Frozen): Work<EncodedBody> => oneLock(frozen, { namespace, name, ...view }, pace);
    const found = await this.#lists.find(response, { name: JSON.stringify(['look', namespace, name]), form: 'json', viewer, revision, make }, takesGzip(request.headers));
    if (found.body !== undefined) this.#lists.send(response, { contentType: 'application/json', vary: 'Accept-Encoding' }, found.body, found.gzip);
    return undefined;
  }

  /** Sends a list itself: it may be compressed. */
  async #list(asked: Asked): Promise<undefined> {
    const { exchange, action, caller: { authorizer }, namespace, body } = asked;
    const { request, response } = exchange;
    const past = await pastOf(this.#context.history, exchange);
    const question: ListQuestion = { namespace, filter: textIn(body, 'filter').toLowerCase(), after: textIn(body, 'after'), limit: limitIn(body) };
    const { views } = this.#context.registry;
    const ofKeys = action === 'keys';
    const view = ofKeys ? prefixView(namespace, '') : locksView(namespace);
    const revision = (): number => past?.revision ?? views.revision(view);
    const seesAll = ofKeys ? authorizer.allowsAll(namespace, 'key', 'write') && authorizer.allowsAll(namespace, 'session', 'read') : authorizer.allowsAll(namespace, 'lock', 'write') && seesAddresses(authorizer, namespace) && authorizer.allows(namespace, 'operator', 'write', '');
    const viewer = this.#lists.viewerOf(authorizer, seesAll);
    if (this.#isUnchanged(asked, `${this.#process}-${viewer}-${past === undefined ? '' : `${past.atMs}-`}${revision()}`)) return undefined;
    const { turns: { pace } } = this.#lists;
    const make = (frozen: Frozen): Work<EncodedBody> => (ofKeys ? heldKeyList : lockList)(frozen, authorizer, question, pace);
    const found = await this.#lists.find(response, { name: JSON.stringify([action, question, past?.atMs]), form: 'json', viewer, revision, make, ...(past === undefined ? {} : { at: past.frozen }) }, takesGzip(request.headers));
    if (found.body !== undefined) this.#lists.send(response, { contentType: 'application/json', vary: 'Accept-Encoding' }, found.body, found.gzip);
    return undefined;
  }

  /** Sets the `ETag`; if the client has this answer, sends that nothing has changed. */
  #isUnchanged({ exchange: { request, response } }: Asked, revision: string): boolean {
    const tag = `"${revision}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] !== tag) return false;
    response.writeHead(304).end();
    return true;
  }

  /** The contender that an operator names. */
  #chosen(asked: Asked): { readonly name: string; readonly contender: string } {
    const { security: { acl } } = this.#context;
    acl.authorize(asked.caller, asked.namespace, 'operator', 'write');
    const { reason } = asked.body;
    if (reason !== undefined && (typeof reason !== 'string' || reason.length > reasonMax)) throw new RegistryError('invalid_argument', `reason must be a text of at most ${reasonMax} characters`);
    return this.#frame({ ...asked, body: { ...asked.body, session: unnamed.id } }, 'lock-release');
  }

  async #acquire(asked: Asked): Promise<object> {
    const session = this.#session(asked);
    const frame = this.#frame({ ...asked, body: { waitMs: 0, ...asked.body, session: session.id } }, 'lock-acquire');
    const { name, contender: id, limit = 1, shared, value, purpose, waitMs = 0 } = frame;
    this.#demand(asked, 'write', name);
    if (waitMs > waitMsMax) throw new RegistryError('invalid_argument', `waitMs is ${waitMs}, the limit is ${waitMsMax}; ask again with the same contender`);
    if (this.#isClosing) throw closing();
    if (this.#waits.size >= this.#context.limits.parkedMax) throw new RegistryError('resource_exhausted', `${this.#waits.size} requests wait for locks, which is the limit`);
    const wait = new AbortController();
    const onClose = () => wait.abort(new RegistryError('cancelled', 'the client has gone'));
    asked.exchange.response.once('close', onClose);
    this.#waits.add(wait);
    try {
      const { signal } = wait;
      const acquired = await this.#context.locks.acquire({ session, name, id }, { limit, ...(shared === true ? { shared } : {}), value, purpose, waitMs, signal });
      return typeof acquired === 'string' ? { state: acquired } : { state: 'holds', token: String(acquired.token) };
    } finally {
      this.#waits.delete(wait);
      asked.exchange.response.off('close', onClose);
    }
  }

  /** The session of a body, once its token was checked. */
  #session(asked: Asked): SessionRef {
    const { session } = this.#frame({ ...asked, body: { name: 'x', ttlMs: 1_000, session: asked.body['session'] } }, 'lock-session');
    const ref = { namespace: asked.namespace, id: session.id };
    this.#context.locks.prove(ref, session.token);
    return ref;
  }

  #contender(asked: Asked): ContenderRef {
    const session = this.#session(asked);
    const { name, contender } = this.#frame({ ...asked, body: { ...asked.body, session: session.id } }, 'lock-release');
    return { session, name, id: contender };
  }

  /** Checks the fields of a body as those of a frame. @throws RegistryError `invalid_argument` */
  #frame<T extends RequestFrame['type']>({ body }: Asked, type: T): Extract<RequestFrame, { readonly type: T }> {
    const checked = checkRequest({ ...body, type, id: 1 });
    if (!checked.ok) throw new RegistryError('invalid_argument', checked.message);
    return checked.frame as Extract<RequestFrame, { readonly type: T }>;
  }

  #demand({ caller, namespace }: Asked, verb: 'read' | 'write', name: string): void {
    this.#context.security.acl.authorize(caller, namespace, 'lock', verb, name);
  }

  #principal({ caller, exchange }: Asked): string {
    return principalOf(caller, exchange.request.socket.remoteAddress ?? '');
  }

  #refuse({ request, response, path }: Exchange, route: Route | undefined): void {
    if (route === undefined) {
      sendError(response, 404, 'not_found', `no such path ${path.slice(0, 200)}; there are ${routes.map((each) => each.path).join(', ')}`);
      return;
    }
    response.setHeader('Allow', route.methods.join(', '));
    sendError(response, 405, 'invalid_argument', `${request.method} ${route.path} is not possible; use ${route.methods.join(' or ')}`);
  }

  #fail({ response, path }: Exchange, thrown: unknown): void {
    const { code, message } = toRegistryError(thrown);
    if (response.headersSent || response.destroyed) return;
    if (code === 'internal') this.#context.log.error({ err: thrown, path }, 'a request failed');
    if (thrown instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(thrown.retryAfterMs / 1_000));
    if (code === 'unauthenticated') response.setHeader('WWW-Authenticate', 'Bearer');
    send(response, statusByCode[code], errorBody(this.#context.security.acl, { code, message, error: thrown }));
  }
}

/** In place of a session where only a name is checked. */
const unnamed = { id: '00000000-0000-4000-8000-000000000000', token: '0'.repeat(32) };

function auditLine(action: string, { name, contender, reason }: Body): string {
  const of = typeof name === 'string' ? ` ${name}` : '';
  const because = typeof reason === 'string' && reason !== '' ? `, because ${JSON.stringify(reason)}` : '';
  return `${action}${of}${action.endsWith('/expel') || action.endsWith('/hand-over') ? ` of contender ${String(contender)}` : ''}${because}`;
}

function textIn(body: Body, name: string): string {
  const text = body[name] ?? '';
  if (typeof text === 'string' && text.length <= textMax) return text;
  throw new RegistryError('invalid_argument', `${name} must be a text of at most ${textMax} characters`);
}

/** Of a name. */
const textMax = 1_024;

function limitIn({ limit = String(rowsMax) }: Body): number {
  const number = Number(limit);
  if (Number.isInteger(number) && number >= 1 && number <= rowsMax) return number;
  throw new RegistryError('invalid_argument', `limit is ${String(limit).slice(0, 20)}, it must be from 1 to ${rowsMax}`);
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, { code, message });
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function closing(): RegistryError {
  return new RegistryError('unavailable', 'the server is closing');
}
