/**
 * The front end for the web console: its files, signing in and out, and which actions a caller may do. It holds no registry state, and has no data
 * of its own: the console reads and writes by the native stream and the JSON API, with the caller's rights.
 */

import type { ServerResponse } from 'node:http';
import { defaultNamespace, isNamespaceName, RegistryError, type ExplainedDenial, type ShownCertificate } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import type { Body } from '../../net/answers.ts';
import { readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { HealthList } from '../../net/health-list.ts';
import { parseObject } from '../../net/json-body.ts';
import { ListBodies } from '../../net/list-bodies.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { TaggedLists } from '../../net/tagged-lists.ts';
import type { Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { namespaceNames } from '../../registry/kind/namespace/find.ts';
import { catalogView } from '../../registry/kind/catalog/views.ts';
import type { Caller } from '../../security/acl.ts';
import type { Authorizer, Resource } from '../../security/authorizer.ts';
import type { Question } from '../../security/deciding-rule.ts';
import { configGrants, namedResources, scalarResources, type Verb } from '../../security/rules.ts';
import type { ConsoleEnvironment } from './environment.ts';
import { ConsoleFiles, formFor } from './files.ts';
import { Questions, type Freeze } from './questions.ts';
import { healthPrefix, overviewPrefix, prefix, searchPrefix, surface } from './routes.ts';
import { servicesIn } from './service-health.ts';
import { SignIn } from './sign-in.ts';

const json = 'application/json';
const bodyBytesMax = 262_144;
/** Questions of one request. */
const asksMax = 1_000;
/** Explained between two turns of the event loop. */
const explainedPerTurn = 25;
const resources: ReadonlySet<unknown> = new Set<Resource>([...scalarResources, ...namedResources, 'intention', ...configGrants.map((grant) => `config-${grant}` as const)]);
const verbs: ReadonlySet<unknown> = new Set<Verb>(['read', 'list', 'write']);

/** Scripts and styles come from this server alone; nothing may show the console in a frame. */
const pageHeaders = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/** Names of namespaces for the selector; a link leads to any other. */
const namespacesMax = 1_000;

export interface ConsoleOptions {
  /** With the files that the build of the console wrote. */
  readonly folder: string;
  readonly environment: ConsoleEnvironment | undefined;
  /** Of each process of this server. */
  readonly freezes: () => Promise<readonly Freeze[]>;
  /** Of each process of the store. */
  readonly certificates: () => Promise<readonly ShownCertificate[]>;
}

export function webConsole(context: Context, { folder, environment, freezes, certificates }: ConsoleOptions): Frontend {
  const questions = new Questions(context, { freezes, certificates });
  const pages = new Pages(context, new ConsoleFiles(folder), environment);
  const signIn = new SignIn(context, (call) => pages.session(call));
  return routedFrontend(context, {
    name: 'console',
    prefixes: [prefix, healthPrefix, searchPrefix, overviewPrefix],
    routes: [
      { ...surface.signIn, run: (call) => signIn.begin(call) },
      { ...surface.signOut, run: (call) => signIn.end(call) },
      { ...surface.methods, run: (call) => signIn.methods(call) },
      { ...surface.oidcStart, run: (call) => signIn.start(call) },
      { ...surface.oidcCallback, run: (call) => signIn.callback(call) },
      { ...surface.session, run: (call) => pages.session(call) },
      { ...surface.can, run: (call) => pages.can(call) },
      { ...surface.health, run: (call) => pages.health(call) },
      { ...surface.search, run: (call) => questions.search(call) },
      { ...surface.overview, run: (call) => questions.overview(call) },
      { ...surface.page, isPage: true, run: (call) => pages.page(call) },
    ],
    // The page and the sign-in must work for a caller whose token has ended.
    enter: ({ context: { security }, exchange: { path, request } }) => (needsNoToken(path, request.method) ? Promise.resolve(security.acl.resolve(undefined)) : undefined),
    sendError: (response, failure) => sendError(context, response, failure),
    close: async () => {
      await Promise.all([pages.close(), questions.idle()]);
    },
  });
}

function needsNoToken(path: string, method = ''): boolean {
  if (!path.startsWith('/ui/api/')) return path.startsWith(prefix);
  return (path === surface.session.path && method !== 'GET') || path === surface.methods.path || path.startsWith('/ui/api/oidc/');
}

class Pages {
  readonly #context: Context;
  readonly #files: ConsoleFiles;
  readonly #environment: ConsoleEnvironment | undefined;
  readonly #lists: ListBodies;
  readonly #tagged: TaggedLists;
  readonly #health: HealthList;

  constructor(context: Context, files: ConsoleFiles, environment: ConsoleEnvironment | undefined) {
    this.#context = context;
    this.#files = files;
    this.#environment = environment;
    this.#lists = new ListBodies(context, 'console');
    this.#tagged = new TaggedLists(context, this.#lists);
    this.#health = new HealthList(context, this.#lists);
  }

  close(): Promise<void> {
    return this.#lists.idle();
  }

  async page({ exchange: { request, response, path } }: RoutedCall): Promise<void> {
    if (path === prefix) {
      response.writeHead(308, { Location: `${prefix}/`, 'Content-Length': 0 }).end();
      return;
    }
    const file = await this.#files.find(path.slice(prefix.length + 1));
    if (file === undefined) throw new RegistryError('not_found', 'the console has no such file; if the whole console is missing, build it: npm run build');
    const kept = file.isLasting ? 'public, max-age=31536000, immutable' : 'no-cache';
    const head = { ...pageHeaders, ETag: file.tag, 'Cache-Control': kept, Vary: 'Accept-Encoding' };
    if (request.headers['if-none-match'] === file.tag) {
      response.writeHead(304, head).end();
      return;
    }
    const { encoding, bytes } = formFor(file, request.headers['accept-encoding'] ?? '');
    response.writeHead(200, { ...head, 'Content-Type': file.type, 'Content-Length': bytes.length, ...(encoding === '' ? {} : { 'Content-Encoding': encoding }) });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  session({ caller, exchange: { response } }: RoutedCall): void {
    const { identity, history, security: { acl } } = this.#context;
    const { accessorId, namespace, expiresAtMs, secretHash } = caller;
    const token = acl.enabled && secretHash !== '' ? acl.store.tokenAnywhere(accessorId) : undefined;
    const body = {
      accessControl: acl.enabled,
      /** For people: who is signed in. */
      subject: token === undefined ? { accessorId, name: '' } : { accessorId, name: token.description },
      namespace,
      namespaces: this.#namespaces(caller.authorizer),
      environment: this.#environment ?? null,
      /** Whether the past can be asked for. */
      history: history.bounds.bytesMax > 0,
      expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : null,
      server: { name: identity.nodeName, version: identity.version, datacenter: identity.datacenter, registryId: identity.registryId },
    };
    sendText(response, 200, json, JSON.stringify(body));
  }

  /** Those that the caller may see, in order. */
  #namespaces(authorizer: Authorizer): string[] {
    const names: string[] = [];
    for (const name of namespaceNames(this.#context.registry.state)) {
      if (authorizer.allowsNamespace(name, 'read')) names.push(name);
      if (names.length === namespacesMax) break;
    }
    return names.sort();
  }

  /** With `at`, as of then. */
  async health(call: RoutedCall): Promise<void> {
    const { caller: { authorizer }, exchange } = call;
    const namespace = requestNamespace(call.caller, exchange);
    const make = (frozen: Frozen): Work<Body> => this.#health.write(frozen, servicesIn(frozen, authorizer, namespace, this.#lists.turns.pace));
    await this.#tagged.send(call, { name: `health ${namespace}`, view: catalogView(), seesAll: authorizer.allowsAll(namespace, 'service', 'write'), make, inParts: true });
  }

  /** Which actions the console offers. A page that asks for nothing else learns no more than by trying. */
  async can({ caller, exchange: { request, response } }: RoutedCall): Promise<void> {
    const { ask, explain } = parseObject(await readBody(request, bodyBytesMax));
    if (!Array.isArray(ask) || ask.length > asksMax) throw new RegistryError('invalid_argument', `ask must be a list of at most ${asksMax} questions`);
    if (explain !== undefined && typeof explain !== 'boolean') throw new RegistryError('invalid_argument', 'explain must be true or false');
    const questions = ask.map(questionIn);
    const allowed = questions.map(({ namespace, resource, verb, name }) => caller.authorizer.allows(namespace, resource, verb, name));
    const denials = explain === true ? await inTurns(this.#denials(caller, questions, allowed), explainedPerTurn) : undefined;
    sendText(response, 200, json, JSON.stringify({ allowed, denials }));
  }

  /** Yields after each. */
  *#denials({ accessorId }: Caller, questions: readonly Question[], allowed: readonly boolean[]): Generator<void, (ExplainedDenial | null)[], undefined> {
    const denials: (ExplainedDenial | null)[] = [];
    for (const [at, question] of questions.entries()) {
      denials.push(allowed[at] === true ? null : (this.#context.security.acl.explain({ ...question, accessorId }) ?? null));
      yield;
    }
    return denials;
  }
}

/** @throws RegistryError `invalid_argument` */
function questionIn(question: unknown): Question {
  const { namespace = defaultNamespace, resource, verb, name = '' } = typeof question === 'object' && question !== null ? (question as Record<string, unknown>) : {};
  if (!resources.has(resource) || !verbs.has(verb) || typeof name !== 'string' || typeof namespace !== 'string' || !isNamespaceName(namespace)) {
    throw new RegistryError('invalid_argument', 'a question has namespace, resource, verb and name');
  }
  return { namespace, resource: resource as Resource, verb: verb as Verb, name };
}

function sendError({ security }: Context, response: ServerResponse, failure: Failure): void {
  const { code, status = statusByCode[code] } = failure;
  // A browser would ask for a name and a password itself, and hold the request until then.
  response.removeHeader('WWW-Authenticate');
  sendText(response, status, json, JSON.stringify(errorBody(security.acl, failure)));
}
