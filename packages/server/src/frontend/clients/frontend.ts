/**
 * The JSON API of clients: who is connected, and who uses which service. It asks the port `clients/`, leaves out what the caller may not see, and
 * keeps nothing but answers that are being gathered.
 */

import { createHash } from 'node:crypto';
import { defaultNamespace, isNamespaceName, RegistryError, type TopologyEdge } from '@rollcall/protocol';
import { Edges } from '../../clients/edges.ts';
import type { LastFollower } from '../../clients/last-follower.ts';
import { hasText, type ClientLine, type ClientsQuestion, type Lines, type PastLines } from '../../clients/question.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { pastTimeOf } from '../../net/past.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { Turns, type Pace, type Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { LatestAnswers } from './latest-answers.ts';
import { clientsPath, limitDefault, limitMax, surface, topologyPath } from './routes.ts';
import { isVisibleEdge, visibleClient } from './visible.ts';

/** Microseconds, about: a line is read, looked at and written. */
const unitsPerClient = 12;
const unitsPerEdge = 4;

/** Longest name of a configuration, `APP/NAME`. */
const textMax = 511;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function connectedClients(context: Context): Frontend {
  const api = new ClientsApi(context);
  return routedFrontend(context, {
    name: 'clients',
    prefixes: [clientsPath, topologyPath],
    routes: [
      { ...surface.clients, pattern: new RegExp(`^${clientsPath}$`), run: (call) => api.clients(call) },
      { ...surface.topology, pattern: new RegExp(`^${topologyPath}$`), run: (call) => api.topology(call) },
    ],
    sendError: (response, { code, message, status = statusByCode[code] }: Failure) => sendText(response, status, 'application/json', `${JSON.stringify({ code, message })}\n`),
    close: () => api.close(),
  });
}

class ClientsApi {
  readonly #context: Context;
  readonly #turns = new Turns();
  readonly #latest: LatestAnswers<Lines | PastLines>;

  constructor(context: Context) {
    this.#context = context;
    this.#latest = new LatestAnswers(context.clock);
  }

  close(): Promise<void> {
    return this.#turns.idle();
  }

  async clients(call: RoutedCall): Promise<void> {
    const { authorizer } = call.caller;
    const params = new URLSearchParams(call.exchange.query);
    const limit = limitIn(params);
    const asked = { namespace: namespaceIn(params, call), ...textIn(params, 'service'), ...textIn(params, 'config') };
    const text = textIn(params, 'search').search?.toLowerCase();
    const isRestricted = authorizer !== unrestricted;
    if (!mayAsk(authorizer, asked)) {
      sendClients(call, [], { lines: [], count: 0, missing: [] });
      return;
    }
    // A search in what the caller may not see would show it bit by bit.
    const question: ClientsQuestion = isRestricted ? { ...asked, limit: limitMax } : { ...asked, limit, ...(text === undefined ? {} : { text }) };
    const atMs = await pastTimeOf(this.#context.history, call.exchange);
    const found = await this.#latest.get(`${atMs} ${JSON.stringify(question)}`, () => (atMs === undefined ? this.#context.clients.find(question) : known(this.#context.clients.findAsOf(question, atMs), atMs)));
    const { response } = call.exchange;
    const follows = asked.config === undefined || atMs !== undefined ? undefined : { namespace: asked.namespace, config: asked.config };
    const { lines, count } = isRestricted ? await workOfRequest(this.#turns, response, (pace) => visible(found, { authorizer, text }, pace)) : { ...found, lines: found.lines.slice(0, limit).map(withAllRights) };
    const lastFollower = follows === undefined || count > 0 ? undefined : await this.#context.clients.lastFollower(follows);
    sendClients(call, lines.slice(0, limit), { ...found, count }, lastFollower);
  }

  async topology(call: RoutedCall): Promise<void> {
    const namespace = namespaceIn(new URLSearchParams(call.exchange.query), call);
    const atMs = await pastTimeOf(this.#context.history, call.exchange);
    const found = await this.#latest.get(`topology ${atMs} ${namespace}`, () => (atMs === undefined ? this.#context.clients.topology(namespace) : known(this.#context.clients.topologyAsOf(namespace, atMs), atMs)));
    const edges = await workOfRequest(this.#turns, call.exchange.response, (pace) => visibleEdges(found, call.caller.authorizer, pace));
    send(call, `{"edges":[${edges.join(',\n')}],${nodesOf(found)}}\n`);
  }
}

/** A line of a caller who may do everything: it is neither read nor written again. */
function withAllRights(line: string): string {
  return `${line.slice(0, -1)},"can":["read","inspect"]}`;
}

interface Viewer {
  readonly authorizer: Authorizer;
  readonly text: string | undefined;
}

function* visible({ lines }: Lines, { authorizer, text }: Viewer, pace: Pace): Work<Pick<Lines, 'lines' | 'count'>> {
  const shown: string[] = [];
  for (const line of lines) {
    const client = visibleClient(authorizer, JSON.parse(line) as ClientLine);
    if (client !== undefined && hasText(client, text)) shown.push(JSON.stringify(client));
    if (pace.spend(unitsPerClient)) yield;
  }
  return { lines: shown, count: shown.length };
}

/** Nodes know edges of their own clients only, so equal ones are added up here. */
function* visibleEdges({ lines }: Lines, authorizer: Authorizer, pace: Pace): Work<string[]> {
  const edges = new Edges();
  for (const line of lines) {
    const edge = JSON.parse(line) as TopologyEdge;
    if (isVisibleEdge(authorizer, edge)) edges.join(edge);
    if (pace.spend(unitsPerEdge)) yield;
  }
  const shown: string[] = [];
  for (const edge of edges.all()) {
    shown.push(JSON.stringify(edge));
    if (pace.spend(unitsPerEdge)) yield;
  }
  return shown;
}

/** Whether the caller may know who uses what the question names. */
function mayAsk(authorizer: Authorizer, { namespace, service, config }: Omit<ClientsQuestion, 'limit'>): boolean {
  return (service === undefined || authorizer.allows(namespace, 'service', 'read', service)) && (config === undefined || authorizer.allows(namespace, 'config', 'read', config));
}

/** @throws RegistryError `invalid_argument` */
function namespaceIn(params: URLSearchParams, { caller }: RoutedCall): string {
  const named = params.get('namespace') || caller.namespace || defaultNamespace;
  if (!isNamespaceName(named)) throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(named.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
  return namespaceFor(caller, named);
}

/** @throws RegistryError `invalid_argument` */
function limitIn(params: URLSearchParams): number {
  const text = params.get('limit');
  if (text === null) return limitDefault;
  const limit = Number(text);
  if (/^\d{1,5}$/.test(text) && limit >= 1 && limit <= limitMax) return limit;
  throw new RegistryError('invalid_argument', `limit is ${JSON.stringify(text.slice(0, 40))}, it must be a whole number from 1 to ${limitMax}`);
}

/** @throws RegistryError `invalid_argument` */
function textIn<K extends string>(params: URLSearchParams, name: K): Partial<Record<K, string>> {
  const text = params.get(name) ?? '';
  if (text === '') return {};
  if (text.length > textMax) throw new RegistryError('invalid_argument', `${name} has ${text.length} characters, the limit is ${textMax}`);
  return { [name]: text } as Record<K, string>;
}

function sendClients(call: RoutedCall, lines: readonly string[], found: Lines | PastLines, lastFollower?: LastFollower): void {
  send(call, `{"clients":[${lines.join(',\n')}],"count":${found.count},${nodesOf(found)}${lastFollower === undefined ? '' : `,"lastFollower":${JSON.stringify(lastFollower)}`}}\n`);
}

/** What the answer does not know, and why. */
function nodesOf(found: Lines | PastLines): string {
  return `"missing":${JSON.stringify(found.missing)}${'unknown' in found ? `,"unknown":${JSON.stringify(found.unknown)}` : ''}`;
}

/** @throws RegistryError `failed_precondition` when no node knows who was connected then */
async function known(asked: Promise<PastLines>, atMs: number): Promise<PastLines> {
  const found = await asked;
  if (found.knew > 0 || found.unknown.length === 0) return found;
  const since = found.unknown.map(({ node, sinceMs }) => `${node} since ${new Date(sinceMs).toISOString()} (${sinceMs})`);
  throw new RegistryError('failed_precondition', `no node knows which clients it had at ${atMs}: ${since.join(', ')}; ask for a later time`);
}

/** With a digest as `ETag`: a page that asks every second gets an answer only when something has changed. */
function send({ exchange: { request, response } }: RoutedCall, body: string): void {
  const tag = `"${createHash('sha1').update(body).digest('base64url')}"`;
  response.setHeader('ETag', tag);
  if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
  else sendText(response, 200, 'application/json', body);
}
