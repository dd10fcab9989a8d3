/**
 * The front end for the past: how far the history reaches back, and views as of a past time, with the caller's present rights. It holds no
 * registry state; the states of the past are those of `history/`.
 */

import type { ServerResponse } from 'node:http';
import { RegistryError, type HealthStrip, type HistoryDiff, type HistoryFacts } from '@rollcall/protocol';
import type { Body } from '../../net/answers.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { ListBodies, takesGzip } from '../../net/list-bodies.ts';
import { pastOf } from '../../net/past.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import { Audiences } from '../../net/view-items/audience.ts';
import type { Past } from '../../history/past-states.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { diffOf } from './diff.ts';
import { pastView } from './past-view.ts';
import { namespaceOf, numberOf, queryOf, textOf, viewOf } from './question.ts';
import { cellsMax, limits, prefix, surface } from './routes.ts';

const json = 'application/json';
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** The last time that a `Date` has (ECMA-262, 21.4.1.1). */
const timeMax = 8.64e15;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function historyOf(context: Context): Frontend {
  const past = new PastAnswers(context);
  return routedFrontend(context, {
    name: 'history',
    prefixes: [prefix],
    routes: [
      { ...surface.history, run: (call) => past.history(call) },
      { ...surface.view, run: (call) => past.view(call) },
      { ...surface.strip, run: (call) => past.strip(call) },
      { ...surface.checks, run: (call) => past.checks(call) },
      { ...surface.diff, run: (call) => past.diff(call) },
    ],
    sendError,
    close: () => past.close(),
  });
}

/** One answer about the past. */
interface Answer {
  /** Names it among all answers of its revision. */
  readonly name: string;
  /** Whether the caller sees the same as every caller with all rights. */
  readonly seesAll: boolean;
  readonly make: () => Work<Body>;
}

class PastAnswers {
  readonly #context: Context;
  readonly #lists: ListBodies;
  readonly #audiences = new Audiences();

  constructor(context: Context) {
    this.#context = context;
    this.#lists = new ListBodies(context, 'history');
  }

  close(): Promise<void> {
    return this.#lists.idle();
  }

  async history({ exchange: { response } }: RoutedCall): Promise<void> {
    const { since, now, bytes, bytesMax, lost } = await this.#context.history.known();
    const facts: HistoryFacts = { sinceMs: since.atMs, sinceRevision: since.revision, nowMs: now.atMs, revision: now.revision, bytes, bytesMax, ...(lost === undefined ? {} : { lost }) };
    sendText(response, 200, json, JSON.stringify(facts));
  }

  async view(call: RoutedCall): Promise<void> {
    const view = viewOf(call, queryOf(call));
    const past = await this.#pastOf(call);
    const audience = this.#audiences.of(call.caller, view);
    const { configurations, identity: { datacenter: datacentre } } = this.#context;
    const { pace } = this.#lists.turns;
    const name = ['view', view.kind, view.namespace ?? '', view.cluster ?? '', past.atMs, view.name].join('\0');
    await this.#send(call, past, { name, seesAll: audience === unrestricted && view.kind !== 'config', make: () => pastView({ pace, configurations, datacentre }, view, past, { audience, authorizer: call.caller.authorizer }) });
  }

  async strip(call: RoutedCall): Promise<void> {
    const query = queryOf(call);
    const namespace = namespaceOf(call, query);
    const service = textOf(query, 'service');
    this.#demand(call, namespace, 'service', service);
    const toMs = numberOf(query, 'to', { usual: this.#context.clock.now(), min: 1, max: timeMax });
    const fromMs = numberOf(query, 'from', { usual: Math.max(0, toMs - dayMs), min: 0, max: toMs - 1 });
    const minutes = Math.min(cellsMax, Math.max(1, Math.round((toMs - fromMs) / minuteMs)));
    const cells = numberOf(query, 'cells', { usual: minutes, min: 1, max: cellsMax });
    const strip: HealthStrip = { fromMs, toMs, cells: await this.#context.history.strip({ namespace, service, fromMs, toMs, cells }) };
    sendText(call.exchange.response, 200, json, JSON.stringify(strip));
  }

  async checks(call: RoutedCall): Promise<void> {
    const query = queryOf(call);
    const namespace = namespaceOf(call, query);
    const [service, id] = [textOf(query, 'service'), textOf(query, 'id')];
    const node = query.get('node') ?? '';
    this.#demand(call, namespace, 'service', service);
    if (node !== '') this.#demand(call, namespace, 'node', node);
    const limit = numberOf(query, 'limit', { usual: limits.checks.usual, min: 1, max: limits.checks.max });
    const found = await this.#context.history.checkChanges({ namespace, service, node, id }, limit);
    sendText(call.exchange.response, 200, json, JSON.stringify(found));
  }

  async diff(call: RoutedCall): Promise<void> {
    const { exchange: { response }, caller: { authorizer } } = call;
    const query = queryOf(call);
    const namespace = namespaceOf(call, query);
    const limit = numberOf(query, 'limit', { usual: limits.diff.usual, min: 1, max: limits.diff.max });
    if ((query.get('to') ?? '') === '') query.set('to', String(this.#context.clock.now()));
    const exchange = { ...call.exchange, query: query.toString() };
    const from = await this.#pastOf({ ...call, exchange }, 'from');
    const to = await this.#pastOf({ ...call, exchange }, 'to');
    if (from.revision > to.revision) throw new RegistryError('invalid_argument', `from (${from.atMs}) is after to (${to.atMs}); swap them`);
    const { changes, truncated } = await workOfRequest(this.#lists.turns, response, (pace) => diffOf(pace, from.frozen, to.frozen, { namespace, authorizer, limit }));
    const ends = { from: { atMs: from.atMs, revision: from.revision }, to: { atMs: to.atMs, revision: to.revision } };
    const diff: HistoryDiff = { ...ends, changes, ...(truncated ? { truncated } : {}) };
    sendText(response, 200, json, JSON.stringify(diff));
  }

  /** @throws RegistryError `invalid_argument` without a time, and as `History.at` */
  async #pastOf(call: RoutedCall, name = 'at'): Promise<Past> {
    const past = await pastOf(this.#context.history, call.exchange, name);
    if (past === undefined) throw new RegistryError('invalid_argument', `${name} is missing: as of when?`);
    return past;
  }

  #demand({ caller }: RoutedCall, namespace: string, resource: 'service' | 'node', name: string): void {
    this.#context.security.acl.authorize(caller, namespace, resource, 'read', name);
  }

  async #send({ caller, exchange: { request, response } }: RoutedCall, { revision, frozen }: Past, { name, seesAll, make }: Answer): Promise<void> {
    const viewer = this.#lists.viewerOf(caller.authorizer, seesAll);
    const list = { name, form: 'json', viewer, revision: () => revision, make, at: frozen };
    const { body, gzip } = await this.#lists.find(response, list, takesGzip(request.headers));
    if (body !== undefined) this.#lists.send(response, { contentType: json, vary: 'Accept-Encoding' }, body, gzip);
  }
}

function sendError(response: ServerResponse, { code, message, status = statusByCode[code] }: Failure): void {
  sendText(response, status, json, JSON.stringify({ code, message }));
}
