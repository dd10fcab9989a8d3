/** The routes that look at many rows for the console, in slices: the search, and what is wrong. */

import { createHash } from 'node:crypto';
import { defaultNamespace, RegistryError, type LivenessStatus, type Overview, type OverviewLine, type ShownCertificate } from '@rollcall/protocol';
import type { Past } from '../../history/past-states.ts';
import type { Context } from '../../net/frontend.ts';
import { pastOf } from '../../net/past.ts';
import { requestNamespace } from '../../net/request-namespace.ts';
import { sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { Turns, type Work } from '../../net/turns.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import type { Caller } from '../../security/acl.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { ended, NormalNumbers } from './normal-numbers.ts';
import { linesMax, overview } from './overview.ts';
import { People } from './people.ts';
import { foundMax, search, typedMax } from './search.ts';

const json = 'application/json';
const usualFound = 20;
/** An overview is given again for so long: pages that ask every second cost no more than this. */
const overviewMs = 2_000;
/** Overviews that are kept: callers who see the same, and namespaces. */
const overviewsMax = 100;
/** All nodes are asked for their freezes this often, however many pages are open. */
const freezesAgainMs = 1_000;
/** A certificate is renewed before, so a later end is no line. */
const certificateMs = 14 * 86_400_000;
/** All nodes are asked for their certificates this often, however many pages are open. */
const certificatesAgainMs = 60_000;

/** Whether a process of the store has frozen expiry. */
export type Freeze = Pick<LivenessStatus, 'frozen' | 'sinceMs' | 'untilMs' | 'held'>;

/** What other parts of this server say. */
export interface QuestionSources {
  readonly freezes: () => Promise<readonly Freeze[]>;
  readonly certificates: () => Promise<readonly ShownCertificate[]>;
}

interface Kept {
  readonly atMs: number;
  readonly answer: Promise<Overview>;
}

export class Questions {
  readonly #context: Context;
  readonly #sources: QuestionSources;
  readonly #turns = new Turns();
  readonly #normal: NormalNumbers;
  readonly #people: People;
  readonly #overviews = new Map<string, Kept>();
  #freezes: { readonly atMs: number; readonly known: Promise<readonly Freeze[]> } | undefined;
  #certificates: { readonly atMs: number; readonly ending: Promise<readonly OverviewLine[]> } | undefined;

  constructor(context: Context, sources: QuestionSources) {
    this.#context = context;
    this.#sources = sources;
    this.#people = new People(context);
    this.#normal = new NormalNumbers({ history: context.history, clock: context.clock, turns: this.#turns });
  }

  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /** `GET /rollcall/v1/search` */
  async search({ caller, exchange }: RoutedCall): Promise<void> {
    const { acl } = this.#context.security;
    const namespace = requestNamespace(caller, exchange);
    const params = new URLSearchParams(exchange.query);
    const typed = (params.get('q') ?? '').trim();
    if (typed === '' || typed.length > typedMax) throw new RegistryError('invalid_argument', `q has ${typed.length} characters; give 1 to ${typedMax}`);
    const limit = Number(params.get('limit') ?? usualFound);
    if (!Number.isInteger(limit) || limit < 1 || limit > foundMax) throw new RegistryError('invalid_argument', `limit is ${params.get('limit') ?? ''}; give 1 to ${foundMax}`);
    const tokens = acl.enabled ? acl.store.tokens(namespace) : [];
    const people = await this.#people.of(caller);
    const work = search({ state: this.#context.registry.state, authorizer: caller.authorizer, namespace, tokens, people, typed, limit, pace: this.#turns.pace });
    const answer = await this.#done(work, exchange);
    if (answer !== undefined) sendText(exchange.response, 200, json, JSON.stringify(answer));
  }

  /** `GET /rollcall/v1/overview` */
  async overview({ caller, exchange }: RoutedCall): Promise<void> {
    const { request, response } = exchange;
    const namespace = requestNamespace(caller, exchange);
    const past = await pastOf(this.#context.history, exchange);
    if (past !== undefined) {
      const answer = await this.#done(this.#pastOverview(past, caller, namespace), exchange);
      if (answer !== undefined) sendText(response, 200, json, JSON.stringify(answer));
      return;
    }
    const { lines, ...rest } = await this.#overviewOf(caller, namespace);
    const body = JSON.stringify({ lines: [...(await this.#freezeLines(caller)), ...(await this.#certificateLines(caller)), ...lines], ...rest });
    const tag = `"${createHash('sha1').update(body).digest('base64url')}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
    else sendText(response, 200, json, body);
  }

  /** @returns undefined when the client has gone */
  #done<T>(work: Work<T>, { response }: RoutedCall['exchange']): Promise<T | undefined> {
    const job = this.#turns.start(work);
    return new Promise((resolve, reject) => {
      const gone = () => {
        job.cancel();
        resolve(undefined);
      };
      response.once('close', gone);
      job.whenEnded((outcome) => {
        response.off('close', gone);
        if ('error' in outcome) reject(outcome.error instanceof Error ? outcome.error : new Error(String(outcome.error)));
        else resolve(outcome.value);
      });
    });
  }

  async #newOverview(authorizer: Authorizer, namespace: string): Promise<Overview> {
    const { registry: { state }, configurations, clock } = this.#context;
    const [normal, drift] = await Promise.all([this.#normal.of(namespace), configurations.drift(namespace)]);
    return ended(this.#turns, overview({ state, drift, normal, services: servicesOf(state), isPast: false, authorizer, namespace, nowMs: clock.now(), pace: this.#turns.pace }));
  }

  /** What the rows of then say: nodes, rollouts and proposals. Freezes, certificates, what clients used and what was normal are in no history. */
  #pastOverview({ frozen: state, atMs: nowMs }: Past, { authorizer }: Caller, namespace: string): Work<Overview> {
    return overview({ state, drift: { late: [], missing: [] }, normal: new Map(), services: { instancesOf: () => 0 }, isPast: true, authorizer, namespace, nowMs, pace: this.#turns.pace });
  }

  #overviewOf({ authorizer, accessorId }: Caller, namespace: string): Promise<Overview> {
    const { clock } = this.#context;
    const key = `${namespace}\0${accessorId}`;
    const known = this.#overviews.get(key);
    if (known !== undefined && clock.now() - known.atMs < overviewMs) return known.answer;
    const answer = this.#newOverview(authorizer, namespace);
    this.#overviews.delete(key);
    this.#overviews.set(key, { atMs: clock.now(), answer });
    const [oldest] = this.#overviews.keys();
    if (this.#overviews.size > overviewsMax && oldest !== undefined) this.#overviews.delete(oldest);
    return answer;
  }

  /** For callers who may see the state of the server, as on the status page. */
  async #freezeLines({ authorizer }: Caller): Promise<OverviewLine[]> {
    if (!authorizer.allows(defaultNamespace, 'operator', 'read')) return [];
    const nowMs = this.#context.clock.now();
    if (this.#freezes === undefined || nowMs - this.#freezes.atMs >= freezesAgainMs) this.#freezes = { atMs: nowMs, known: this.#sources.freezes() };
    const frozen = (await this.#freezes.known).filter((each) => each.frozen);
    if (frozen.length === 0) return [];
    const held = frozen.reduce((sum, each) => sum + each.held, 0);
    return [{ kind: 'freeze', sinceMs: Math.min(...frozen.map(({ sinceMs = Infinity }) => sinceMs)), untilMs: Math.max(...frozen.map(({ untilMs = 0 }) => untilMs)), held }];
  }

  /** For callers who may see the state of the server, too. */
  async #certificateLines({ authorizer }: Caller): Promise<readonly OverviewLine[]> {
    if (!authorizer.allows(defaultNamespace, 'operator', 'read')) return [];
    const nowMs = this.#context.clock.now();
    if (this.#certificates === undefined || nowMs - this.#certificates.atMs >= certificatesAgainMs) this.#certificates = { atMs: nowMs, ending: this.#endingCertificates(nowMs) };
    return this.#certificates.ending;
  }

  /** One line for each, however many processes use it; the first to end first. */
  async #endingCertificates(nowMs: number): Promise<readonly OverviewLine[]> {
    const lines = new Map<string, OverviewLine & { readonly kind: 'certificate' }>();
    for (const { listener, kind: of, subject, notAfterMs: untilMs } of await this.#sources.certificates()) {
      if (untilMs - nowMs >= certificateMs) continue;
      const key = [listener, of, subject, untilMs].join('\0');
      lines.set(key, { kind: 'certificate', listener, of, subject, processes: (lines.get(key)?.processes ?? 0) + 1, untilMs });
    }
    return [...lines.values()].sort((a, b) => a.untilMs - b.untilMs).slice(0, linesMax);
  }
}
