/**
 * Answers of plans: the encoded body of a view at its revision, with the headers that go with it. Both
 * are made once and sent as they are to everyone who asks (`net/answers.ts` keeps the bodies).
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toRegistryError } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import type { Plan } from './plan.ts';
import { acceptsGzip, gzip, gzipBytesMin, queryHead, sendError } from './wire.ts';

const cacheHead = ['X-Cache', 'HIT', 'Age', '0'] as const;

type Heads = Partial<Record<Plan['consistency'], readonly string[]>>;

export class Answering {
  readonly #context: Context;
  /** Headers go with their body: same revision, same length. */
  readonly #heads = new WeakMap<Buffer, Heads>();
  /** So do digests, which all who wait for the same body share. */
  readonly #digests = new WeakMap<Buffer, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Answers with what is there now. Never throws. @returns the status */
  answer(request: IncomingMessage, response: ServerResponse, plan: Plan): number {
    const { registry, metrics, log } = this.#context;
    let status: number;
    try {
      status = this.#send(request, response, plan, plan.revision(registry));
    } catch (err) {
      if (toRegistryError(err).code === 'internal') {
        log.error({ err, route: plan.route }, 'an answer could not be encoded');
      }
      status = sendError(response, err);
    }
    metrics.request(plan.route, status);
    return status;
  }

  #send(request: IncomingMessage, response: ServerResponse, plan: Plan, revision: number): number {
    const { registry } = this.#context;
    const { query, consistency } = plan;
    if (query.missing?.(registry.state) === true) {
      const head = queryHead({ revision, consistency, bytes: 0, type: 'none', gzipped: false });
      response.writeHead(404, head as string[]);
      response.end();
      return 404;
    }
    const plain = this.#body(plan, revision, '', () => query.encode(registry.state));
    const gzipped = plain.length >= gzipBytesMin && query.raw !== true && acceptsGzip(request);
    const body = gzipped ? this.#body(plan, revision, ' gzip', () => gzip(plain)) : plain;
    response.writeHead(200, this.#head(body, plan, revision, gzipped) as string[]);
    response.end(body);
    return 200;
  }

  /** Tells bodies of a plan with a filter apart; undefined for a plan without. */
  digest(plan: Plan): string | undefined {
    const { query } = plan;
    if (query.filtered !== true) return undefined;
    const { registry } = this.#context;
    try {
      const body = this.#body(plan, plan.revision(registry), '', () => query.encode(registry.state));
      let digest = this.#digests.get(body);
      if (digest === undefined) {
        digest = createHash('sha1').update(body).digest('base64');
        this.#digests.set(body, digest);
      }
      return digest;
    } catch {
      // Whoever waits gets the error with the next change.
      return undefined;
    }
  }

  #body({ query }: Plan, revision: number, form: string, encode: () => Buffer): Buffer {
    const { registry, answers } = this.#context;
    // Answers that do not follow one view have a revision of their own, and so a name of their own.
    // So have filtered ones, lest they drive the others of their view out.
    const ownName = query.others !== undefined || query.volatile === true || query.filtered === true;
    const view = ownName ? `${query.view}\0${query.name}` : query.view;
    const kept = query.volatile === true ? registry.state.revision : revision;
    return answers.get(view, kept, query.name + form, encode);
  }

  #head(body: Buffer, plan: Plan, revision: number, gzipped: boolean): readonly string[] {
    const { query, consistency, cached } = plan;
    // What is sent is kept in memory and as new as the state, so its age is 0.
    if (cached) return [...cacheHead, ...this.#headOf(body, plan, revision, gzipped)];
    if (query.token !== undefined) return this.#headOf(body, plan, revision, gzipped);
    let heads = this.#heads.get(body);
    if (heads === undefined) this.#heads.set(body, (heads = {}));
    return (heads[consistency] ??= this.#headOf(body, plan, revision, gzipped));
  }

  #headOf(body: Buffer, { query, consistency }: Plan, revision: number, gzipped: boolean): readonly string[] {
    const { token } = query;
    const value = token?.of(this.#context.registry.state);
    return queryHead({
      revision,
      consistency,
      bytes: body.length,
      type: query.raw === true ? 'raw' : 'json',
      gzipped,
      ...(token === undefined || value === undefined ? {} : { token: [token.header, value] as const }),
    });
  }
}
