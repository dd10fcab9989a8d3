/**
 * Answers of plans: the encoded body of a view at its revision, with the headers that go with it. Both
 * are made once and sent as they are to everyone who sees all of it; for others once for each set of
 * permissions (`net/answers.ts` keeps the bodies).
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from '../../net/frontend.ts';
import type { Caller } from '../../security/acl.ts';
import type { Plan } from './plan.ts';
import type { Query } from './query.ts';
import { filteredHead, fullSight, Sight, Viewers, type Viewer } from './sight.ts';
import { acceptsGzip, gzip, gzipBytesMin, type Wire } from './wire.ts';

const cacheHead = ['X-Cache', 'HIT', 'Age', '0'] as const;

const nothing: readonly string[] = [];

/** What is known of a body besides its bytes; one look finds all of it. */
interface Traits {
  /** It stands for a 404. */
  readonly absent: boolean;
  /** Something was left out of it. */
  readonly narrowed: boolean;
  /** Headers go with their body: same revision, same length. */
  readonly heads: Partial<Record<Plan['consistency'], readonly string[]>>;
  /** Which all who wait for the same body share. */
  digest?: string;
}

export class Answering {
  readonly #context: Context;
  readonly #wire: Wire;
  readonly #viewers = new Viewers();
  readonly #traits = new WeakMap<Buffer, Traits>();

  constructor(context: Context, wire: Wire) {
    this.#context = context;
    this.#wire = wire;
  }

  /** @throws RegistryError `permission_denied` */
  demand(plan: Plan, caller: Caller): void {
    if (plan.demand === undefined) return;
    const { resource, verb, name } = plan.demand;
    this.#context.security.acl.authorize(caller, resource, verb, name);
  }

  /**
   * Answers with what is there now.
   * @returns the status
   * @throws RegistryError when nothing was sent: `permission_denied`, and what encoding throws
   */
  answer(request: IncomingMessage, response: ServerResponse, plan: Plan, caller: Caller): number {
    this.demand(plan, caller);
    const revision = plan.revision(this.#context.registry);
    const { last } = plan;
    // With thousands of keys that are asked in turn, looking into each table costs more than the answer.
    const again = last?.revision === revision && last.authorizer === caller.authorizer ? last.kept.body : undefined;
    if (last !== undefined && again !== undefined && !gzips(plan, again, request)) {
      response.writeHead(last.status, last.head as string[]);
      response.end(again);
      return last.status;
    }
    const viewer = this.#viewers.of(caller.authorizer);
    const plain = this.#body(plan, revision, viewer);
    const { absent, narrowed } = this.#traitsOf(plain);
    const gzipped = gzips(plan, plain, request);
    const body = gzipped ? this.#kept(plan, revision, narrowed ? viewer : undefined, ' gzip', () => gzip(plain)) : plain;
    const head = this.#head(body, plan, revision, { absent, gzipped, viewer });
    const status = absent ? 404 : 200;
    if (!gzipped && !narrowed && isShapedByRevision(plan)) {
      const kept = this.#context.answers.kept(plan.query.view, plan.query.name);
      plan.last = kept && { revision, authorizer: caller.authorizer, status, head, kept };
    }
    response.writeHead(status, (narrowed ? [...filteredHead(true, caller), ...head] : head) as string[]);
    response.end(body);
    return status;
  }

  /** What the caller knows the answer by, for those few that are not known by a revision. */
  token({ query }: Plan, caller: Caller): string | undefined {
    return query.token?.of(this.#context.registry.state, new Sight(caller.authorizer));
  }

  /** Tells bodies of a plan with a filter apart; undefined for a plan without. */
  digest(plan: Plan, caller: Caller): string | undefined {
    if (plan.query.filtered !== true) return undefined;
    try {
      const body = this.#body(plan, plan.revision(this.#context.registry), this.#viewers.of(caller.authorizer));
      const traits = this.#traitsOf(body);
      return (traits.digest ??= createHash('sha1').update(body).digest('base64'));
    } catch {
      // Whoever waits gets the error with the next change.
      return undefined;
    }
  }

  /** The body that everybody shares, unless something of it is to be left out for this one. */
  #body(plan: Plan, revision: number, viewer: Viewer): Buffer {
    if (viewer.seesAll(plan.query.shows)) {
      return this.#kept(plan, revision, undefined, '', () => this.#encode(plan, fullSight()));
    }
    return this.#kept(plan, revision, viewer, '', () => {
      const sight = new Sight(viewer.authorizer);
      const body = this.#encode(plan, sight);
      if (!sight.narrowed) return this.#kept(plan, revision, undefined, '', () => body);
      this.#traits.set(body, { ...this.#traitsOf(body), narrowed: true });
      return body;
    });
  }

  #encode({ query }: Plan, sight: Sight): Buffer {
    const body = query.encode(this.#context.registry.state, sight);
    if (body !== undefined) return body;
    const absent = Buffer.alloc(0);
    this.#traits.set(absent, { absent: true, narrowed: false, heads: {} });
    return absent;
  }

  #traitsOf(body: Buffer): Traits {
    let traits = this.#traits.get(body);
    if (traits === undefined) this.#traits.set(body, (traits = { absent: false, narrowed: false, heads: {} }));
    return traits;
  }

  /** @param viewer undefined for what is the same for everybody */
  #kept({ query }: Plan, revision: number, viewer: Viewer | undefined, form: string, encode: () => Buffer): Buffer {
    const { registry, answers } = this.#context;
    const view = followsItsView(query) ? query.view : `${query.view}\0${query.name}`;
    // No two changes have one revision, so the newest of them all tells the bodies apart.
    let revisionKept = revision;
    for (const one of query.shapedBy ?? nothing) revisionKept = Math.max(revisionKept, registry.views.revision(one));
    return answers.get(viewer === undefined ? view : `${view}\0${viewer.name}`, revisionKept, query.name + form, encode);
  }

  #head(
    body: Buffer,
    plan: Plan,
    revision: number,
    shape: { readonly absent: boolean; readonly gzipped: boolean; readonly viewer: Viewer },
  ): readonly string[] {
    const { query, consistency, cached } = plan;
    // What is sent is kept in memory and as new as the state, so its age is 0.
    if (cached) return [...cacheHead, ...this.#headOf(body, plan, revision, shape)];
    if (query.token !== undefined) return this.#headOf(body, plan, revision, shape);
    const { heads } = this.#traitsOf(body);
    return (heads[consistency] ??= this.#headOf(body, plan, revision, shape));
  }

  #headOf(
    body: Buffer,
    { query, consistency }: Plan,
    revision: number,
    { absent, gzipped, viewer }: { readonly absent: boolean; readonly gzipped: boolean; readonly viewer: Viewer },
  ): readonly string[] {
    const { token } = query;
    const value = token?.of(this.#context.registry.state, new Sight(viewer.authorizer));
    return this.#wire.queryHead({
      revision,
      consistency,
      bytes: body.length,
      type: absent ? 'none' : query.raw === true ? 'raw' : 'json',
      gzipped,
      ...(token === undefined || value === undefined ? {} : { token: [token.header, value] as const }),
    });
  }
}

/**
 * Answers that do not follow one view have a revision of their own, and so a name of their own among those that
 * are kept. So have filtered ones, lest they drive the others of their view out.
 */
function followsItsView({ others, shapedBy = nothing, filtered }: Query): boolean {
  return others === undefined && shapedBy.length === 0 && filtered !== true;
}

/** Nothing but the revision and the permissions tells two answers of the plan apart. */
function isShapedByRevision({ query, cached }: Plan): boolean {
  return !cached && query.token === undefined && followsItsView(query);
}

function gzips({ query }: Plan, body: Buffer, request: IncomingMessage): boolean {
  return body.length >= gzipBytesMin && query.raw !== true && acceptsGzip(request);
}
