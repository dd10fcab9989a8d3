/**
 * Answers requests for lists: a body is encoded once for each revision and form, and compressed once. Requests for the same body that
 * come meanwhile share the work, which is done in slices, from one moment of the registry. Callers who may not read everything get
 * bodies of their own.
 *
 * It does not know what a list shows; each front end that has lists creates one of these.
 */

import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Frozen } from '../registry/frozen.ts';
import type { Authorizer } from '../security/authorizer.ts';
import { AnswerMemory } from './answer-memory.ts';
import { Body } from './answers.ts';
import { BodySender } from './body-sender.ts';
import type { Context } from './frontend.ts';
import { endWith } from './end-with.ts';
import { gzipBytesMin, gzipped } from './gzip.ts';
import { LargeBodies } from './large-bodies.ts';
import { SharedWork } from './shared-work.ts';
import { Turns, type Work } from './turns.ts';

/** A list, in one form, as one group of callers sees it. */
export interface List {
  /** Names it among all lists of its front end; without the form and the viewer. */
  readonly name: string;
  /** The form of its bytes, such as `json`. */
  readonly form: string;
  /** From `viewerOf`. */
  readonly viewer: string;
  /** The revision of everything that it shows. */
  readonly revision: () => number;
  /** Undefined: there is no such list. */
  readonly make: (frozen: Frozen) => Work<Body | undefined>;
  /** The moment that it shows, which the caller keeps open until the answer is sent; absent: now. */
  readonly at?: Frozen;
  /** Its parts are kept by themselves: a large list is not kept as well. */
  readonly inParts?: boolean;
}

/** Lists in parts that need a larger share of the memory for answers than this are kept in parts only, and compressed. */
const wholeShareMax = 1 / 8;

/** What a list is encoded as. */
export interface Encoded {
  readonly body: Body | undefined;
  readonly gzip: boolean;
}

export interface ListHead {
  readonly contentType: string;
  /** Headers of the request that decide about the bytes. */
  readonly vary: string;
}

export class ListBodies {
  readonly turns = new Turns();
  readonly memory = new AnswerMemory();
  readonly #context: Pick<Context, 'answers' | 'registry'>;
  readonly #protocol: string;
  readonly #large = new LargeBodies(this.memory, new BodySender());
  readonly #shared = new SharedWork<Encoded>(this.turns);
  /** Numbers for the permissions of callers who may not read everything. */
  readonly #viewers = new WeakMap<Authorizer, number>();
  #viewerCount = 0;

  /** @param protocol names the front end among all that keep answers */
  constructor(context: Pick<Context, 'answers' | 'registry'>, protocol: string) {
    this.#context = context;
    this.#protocol = protocol;
  }

  /** Names the callers who see the same. @param seesAll whether the caller may read everything that could be in the list */
  viewerOf(authorizer: Authorizer, seesAll: boolean): string {
    if (seesAll) return '';
    let number = this.#viewers.get(authorizer);
    if (number === undefined) this.#viewers.set(authorizer, (number = ++this.#viewerCount));
    return String(number);
  }

  /**
   * Resolves when this node has everything that was committed before, or is known not to follow the store: then it answers with what it
   * has. Undefined when it has everything now.
   */
  caughtUp(): Promise<void> | undefined {
    const { registry } = this.#context;
    return registry.isOnlyWriter || registry.staleMs > 0 ? undefined : registry.barrier().catch(() => {});
  }

  /**
   * @param response of the request: its end cancels work that no other request waits for
   * @returns at once if the body is kept
   * @throws RegistryError (the promise) `resource_exhausted`, and all errors of `make`
   */
  find(response: ServerResponse, list: List, gzip: boolean): Encoded | Promise<Encoded> {
    const view = `${this.#protocol}\0${list.name}\0${list.viewer}`;
    const revision = list.revision();
    const kept = this.#kept(view, revision, list.form, gzip);
    if (kept !== undefined) return kept;
    return new Promise((resolve, reject) => {
      const name = `${view}\0${revision}\0${list.form}\0${gzip}`;
      const leave = this.#shared.join(name, () => this.#encode(view, list, gzip), { ready: resolve, failed: reject });
      if (leave !== undefined) response.once('close', leave);
    });
  }

  send(response: ServerResponse, { contentType, vary }: ListHead, body: Body, gzip: boolean): void {
    const begin = () => {
      const head = ['Content-Type', contentType, 'Content-Length', String(body.bytes), 'Vary', vary];
      if (gzip) head.push('Content-Encoding', 'gzip');
      response.writeHead(200, head);
    };
    if (body.buffers.length > 1) {
      this.#large.send(response, begin, body);
      return;
    }
    // Most bodies are one buffer, which the socket takes at once.
    begin();
    endWith(response, body);
  }

  /** Resolves when no work is left. */
  idle(): Promise<void> {
    return this.turns.idle();
  }

  #kept(view: string, revision: number, form: string, gzip: boolean): Encoded | undefined {
    const { answers } = this.#context;
    const zipped = gzip ? answers.find(view, revision, `${form} gzip`) : undefined;
    if (zipped !== undefined) return { body: zipped, gzip: true };
    const plain = answers.find(view, revision, form);
    return plain === undefined || (gzip && plain.bytes >= gzipBytesMin) ? undefined : { body: plain, gzip: false };
  }

  *#encode(view: string, { form, revision: current, make, at, inParts = false }: List, gzip: boolean): Work<Encoded> {
    const { answers, registry } = this.#context;
    // The work may have waited for its turn, so it shows the present revision.
    const revision = current();
    let body = answers.find(view, revision, form);
    if (body === undefined) {
      const frozen = at ?? registry.state.freeze();
      try {
        body = yield* make(frozen);
      } finally {
        if (at === undefined) frozen.close();
      }
      if (body === undefined) return { body, gzip: false };
      if (!inParts || body.bytes <= answers.bytesMax * wholeShareMax) answers.keep(view, revision, form, body);
    }
    if (!gzip || body.bytes < gzipBytesMin) return { body, gzip: false };
    const zipped = new Body(yield* gzipped(body, this.turns.pace));
    answers.keep(view, revision, `${form} gzip`, zipped);
    return { body: zipped, gzip: true };
  }
}

/** Whether the client accepts gzip. */
export function takesGzip({ 'accept-encoding': accepted }: IncomingHttpHeaders): boolean {
  // Most clients send the word alone.
  return accepted === 'gzip' || (typeof accepted === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(accepted));
}
