/**
 * Answers of plans: the encoded body of a view at its revision, with its headers. Both are created once and sent
 * unchanged to all callers that may see every row; for other callers once for each set of
 * permissions (`net/answers.ts` caches the bodies).
 *
 *   cached? ──yes──► sent
 *     │ no
 *   being encoded? ──yes──► waits for it  one encoding for all requests for the same body
 *     │ no
 *   encoded in turns (`encoding.ts`)      small bodies are encoded before `answer` returns
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Body } from '../../../net/answers.ts';
import type { Context } from '../../../net/frontend.ts';
import { BodySender } from '../../../net/body-sender.ts';
import { endWith } from '../../../net/end-with.ts';
import { AnswerMemory } from '../../../net/answer-memory.ts';
import { Turns } from '../../../net/turns.ts';
import { gzipBytesMin } from '../../../net/gzip.ts';
import { LargeBodies } from '../../../net/large-bodies.ts';
import { SharedWork, type Waiter } from '../../../net/shared-work.ts';
import type { Caller } from '../../../security/acl.ts';
import { unrestricted } from '../../../security/authorizer.ts';
import { authorize } from '../request/permission.ts';
import { filteredHead, VisibilityFilter, type Viewer, Viewers } from '../request/visibility-filter.ts';
import type { Aside, Written } from '../wire/reply.ts';
import { withContact } from '../wire/contact.ts';
import { acceptsGzip, type Wire } from '../wire/responses.ts';
import { Encoding, followsItsView, gzipName, type ViewBody, type Wanted } from './encoding.ts';
import type { Plan } from './plan.ts';

const cacheHead = ['X-Cache', 'HIT', 'Age', '0'] as const;

/** Called when an answer has ended, for metrics and errors. */
export interface Told {
  readonly answered: (response: ServerResponse, plan: Plan, status: number) => void;
  /** The answer failed before anything was sent. */
  readonly failed: (response: ServerResponse, plan: Plan, caller: Caller, error: unknown) => void;
}

export class Answering {
  readonly #context: Context;
  readonly #wire: Wire;
  readonly #told: Told;
  readonly #viewers = new Viewers();
  readonly #turns: Turns;
  readonly #encoding: Encoding;
  readonly #shared: SharedWork<ViewBody>;
  readonly #large: LargeBodies;
  #closing = false;

  /** @param later calls back in the next turn of the event loop */
  constructor(context: Context, wire: Wire, told: Told, later?: (run: () => void) => void) {
    const memory = new AnswerMemory();
    this.#context = context;
    this.#wire = wire;
    this.#told = told;
    this.#turns = new Turns(later);
    this.#encoding = new Encoding(context, this.#turns.pace, memory);
    this.#shared = new SharedWork(this.#turns);
    this.#large = new LargeBodies(memory, new BodySender(later));
  }

  /** Whether this turn of the event loop has used up its slice. */
  get spent(): boolean {
    return this.#turns.pace.spent;
  }

  /** From now on, every answer closes its connection. */
  close(): void {
    this.#closing = true;
  }

  /** Resolves when no encoding is running. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  /** @throws RegistryError `permission_denied` */
  authorize({ permission, namespace }: Plan, caller: Caller): void {
    if (permission === undefined || caller.authorizer === unrestricted) return;
    authorize({ context: this.#context, caller, namespace }, [permission]);
  }

  /** Answers with the present content: at once, or as soon as it is encoded. */
  answer(request: IncomingMessage, response: ServerResponse, plan: Plan, caller: Caller): void {
    try {
      this.authorize(plan, caller);
      const revision = plan.revision(this.#context.registry);
      const { last } = plan;
      // With thousands of keys requested in turn, a look into each table costs more than the answer.
      if (last?.revision === revision && last.authorizer === caller.authorizer) {
        const { body } = last.kept;
        if (body !== undefined && (last.gzip === undefined || last.gzip === acceptsGzip(request))) {
          this.#context.answers.touch(last.view);
          this.#send(response, plan, last.status, last.head, body);
          return;
        }
      }
      const gzip = plan.query.raw !== true && acceptsGzip(request);
      const wanted = { plan, revision, viewer: this.#viewers.of(caller.authorizer, plan.namespace), gzip };
      this.#want(response, wanted, {
        ready: (body) => this.#deliver(response, wanted, caller, body),
        failed: (error) => this.#told.failed(response, plan, caller, error),
      });
    } catch (error) {
      this.#told.failed(response, plan, caller, error);
    }
  }

  /** Answers with the body that a handler writes; its status and headers come as an `Aside`. */
  write(response: ServerResponse, { pretty, write }: Written, done: (aside: Aside, body: Body) => void, failed: (error: unknown) => void): void {
    const job = this.#turns.start(this.#encoding.written(pretty, write));
    job.whenEnded((outcome) => {
      if ('error' in outcome) failed(outcome.error);
      else done(outcome.value.aside, outcome.value.body);
    });
    if (!job.ended) response.once('close', () => job.cancel());
  }

  /** Sends a body with a head from the caller. */
  send(response: ServerResponse, status: number, given: readonly string[], body: Body): void {
    const head = withContact(given, this.#context.registry.staleMs);
    if (this.#closing) response.shouldKeepAlive = false;
    if (body.buffers.length > 1) {
      this.#large.send(response, () => response.writeHead(status, head as string[]), body);
      return;
    }
    response.writeHead(status, head as string[]);
    endWith(response, body);
  }

  /** The token that identifies the answer to clients, for the few answers that have one instead of a revision. */
  token({ query, namespace }: Plan, caller: Caller): string | undefined {
    return query.token?.of(this.#context.registry.state, new VisibilityFilter(caller.authorizer, namespace));
  }

  /**
   * Computes a digest of the body of a filtered plan, to compare two bodies.
   * @param ready called with the digest and the revision of that body, now or later; with undefined if the body could not
   *   be encoded
   */
  digest(response: ServerResponse, plan: Plan, caller: Caller, ready: (digest: string | undefined, revision: number) => void): void {
    const revision = plan.revision(this.#context.registry);
    const wanted = { plan, revision, viewer: this.#viewers.of(caller.authorizer, plan.namespace), gzip: false };
    this.#want(response, wanted, {
      ready: (body) => ready(this.#encoding.digestOf(body), body.revision),
      // A waiting client gets the error with the next change.
      failed: () => ready(undefined, revision),
    });
  }

  #want(response: ServerResponse, wanted: Wanted, waiter: Waiter<ViewBody>): void {
    const kept = this.#encoding.find(wanted);
    if (kept !== undefined) {
      waiter.ready(kept);
      return;
    }
    // One request may call this many times; it must not add a listener each time.
    let leave: (() => void) | undefined;
    const stay = () => void (leave && response.off('close', leave));
    leave = this.#shared.join(this.#encoding.nameOf(wanted), () => this.#encoding.encode(wanted), {
      ready: (body) => {
        stay();
        waiter.ready(body);
      },
      failed: (error) => {
        stay();
        waiter.failed(error);
      },
    });
    if (leave !== undefined) response.once('close', leave);
  }

  #deliver(response: ServerResponse, { plan, viewer, gzip }: Wanted, caller: Caller, body: ViewBody): void {
    const { absent, narrowed, gzipped, revision } = body;
    const head = this.#head(body, plan, viewer);
    const status = absent ? 404 : 200;
    if (!narrowed && isShapedByRevision(plan)) {
      const { view, name, raw } = plan.query;
      const kept = this.#context.answers.kept(view, gzipped ? name + gzipName : name);
      const same = raw === true || body.bytes < gzipBytesMin;
      if (kept?.body === body) {
        plan.last = { view, revision, authorizer: caller.authorizer, gzip: same && !gzipped ? undefined : gzip, status, head, kept };
      }
    }
    this.#send(response, plan, status, narrowed ? [...filteredHead(true, caller), ...head] : head, body);
  }

  #send(response: ServerResponse, plan: Plan, status: number, head: readonly string[], body: Body): void {
    this.send(response, status, head, body);
    this.#told.answered(response, plan, status);
  }

  #head(body: ViewBody, plan: Plan, viewer: Viewer): readonly string[] {
    const { query, consistency, cached } = plan;
    // The body is as new as the state, so its age is 0.
    if (cached) return [...cacheHead, ...this.#headOf(body, plan, viewer)];
    if (query.token !== undefined) return this.#headOf(body, plan, viewer);
    return (body.heads[consistency] ??= this.#headOf(body, plan, viewer));
  }

  #headOf(body: ViewBody, { query, consistency }: Plan, viewer: Viewer): readonly string[] {
    const { absent, gzipped, revision } = body;
    const { token } = query;
    const value = token?.of(this.#context.registry.state, viewer.filter());
    return this.#wire.queryHead({
      revision,
      consistency,
      bytes: body.bytes,
      type: absent ? 'none' : query.raw === true ? 'raw' : 'json',
      gzipped,
      ...(token === undefined || value === undefined ? {} : { token: [token.header, value] as const }),
    });
  }
}

/** Whether two answers of the plan differ only by revision and permissions. */
function isShapedByRevision({ query, cached }: Plan): boolean {
  return !cached && query.token === undefined && followsItsView(query);
}
