/**
 * Encodes the bodies of plans in slices (`net/turns.ts`), and finds cached bodies. A body shows one
 * revision, although the state changes while it is written.
 */

import { createHash } from 'node:crypto';
import { Body } from '../../../net/answers.ts';
import type { Context } from '../../../net/frontend.ts';
import { MemoryShare, type AnswerMemory } from '../../../net/answer-memory.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { gzipBytesMin, gzipped } from '../../../net/gzip.ts';
import type { ListQuery, Query, SingleQuery } from '../request/query.ts';
import { noFilter, VisibilityFilter, type Viewer } from '../request/visibility-filter.ts';
import { JsonWriter } from '../wire/json-writer.ts';
import type { Aside, Written } from '../wire/reply.ts';
import type { Plan } from './plan.ts';

/** A body of the plan at this revision or a newer one, as the viewer sees it. */
export interface Wanted {
  readonly plan: Plan;
  readonly revision: number;
  readonly viewer: Viewer;
  /** Compressed, if the body is large enough. */
  readonly gzip: boolean;
}

/** A body with its revision and how it was made. */
export class ViewBody extends Body {
  /** The revision of the view when the body was written. */
  readonly revision: number;
  /** It stands for a 404. */
  readonly absent: boolean;
  /** Rows were left out of it that the viewer may not see. */
  readonly narrowed: boolean;
  readonly gzipped: boolean;
  /** Headers go with their body: same revision, same length. */
  readonly heads: Partial<Record<Plan['consistency'], readonly string[]>> = {};
  /** Shared by all requests that wait for the same body. */
  digest: string | undefined = undefined;

  constructor(buffers: readonly Buffer[], { revision, absent, narrowed }: Pick<ViewBody, 'revision' | 'absent' | 'narrowed'>, gzipped: boolean) {
    super(buffers);
    this.revision = revision;
    this.absent = absent;
    this.narrowed = narrowed;
    this.gzipped = gzipped;
  }
}

const none: readonly string[] = [];
const nothing = Buffer.alloc(0);
/** Bytes of a body without slices, or of a digest, that take as long as one unit of work. */
const bytesPerUnit = 256;
const unitsPerSingle = 5;
/** Added to the name of a representation for its compressed form. */
export const gzipName = ' gzip';

export class Encoding {
  readonly #context: Context;
  readonly #pace: Pace;
  readonly #memory: AnswerMemory;

  constructor(context: Context, pace: Pace, memory: AnswerMemory) {
    this.#context = context;
    this.#pace = pace;
    this.#memory = memory;
  }

  digestOf(body: ViewBody): string {
    // The digest of a body of several buffers was computed when it was written.
    return (body.digest ??= createHash('sha1').update(body.buffers[0] ?? '').digest('base64'));
  }

  /** The cached body, if there is one. */
  find({ plan, revision, viewer, gzip }: Wanted): ViewBody | undefined {
    const { query } = plan;
    const view = viewKept(query, viewer);
    const kept = this.#revisionKept(query, revision);
    const zipped = gzip ? this.#find(view, kept, query.name + gzipName) : undefined;
    if (zipped !== undefined) return zipped;
    const plain = this.#find(view, kept, query.name);
    return plain === undefined || (gzip && plain.bytes >= gzipBytesMin) ? undefined : plain;
  }

  /** Cached bodies under names of this front end are always `ViewBody`. */
  #find(view: string, revision: number, name: string): ViewBody | undefined {
    return this.#context.answers.find(view, revision, name) as ViewBody | undefined;
  }

  /** The key by which requests for the same body share its encoding. */
  nameOf({ plan: { query }, revision, viewer, gzip }: Wanted): string {
    return `${viewKept(query, viewer)}\0\0${this.#revisionKept(query, revision)}\0${query.name}${gzip ? gzipName : ''}`;
  }

  *encode({ plan, viewer, gzip }: Wanted): Work<ViewBody> {
    const { registry, answers } = this.#context;
    const { query } = plan;
    // The encoding may have waited for its turn, so it shows the present revision.
    const revision = plan.revision(registry);
    const view = viewKept(query, viewer);
    const kept = this.#revisionKept(query, revision);
    let body = this.#find(view, kept, query.name);
    if (body === undefined) {
      const visible = viewer.seesAll(query.shows) ? noFilter() : viewer.filter();
      body = 'write' in query ? yield* this.#list(query, visible, revision) : this.#single(query, visible, revision);
      answers.keep(view, kept, query.name, body);
      const forAll = viewKept(query, undefined);
      // An answer from which no row was left out is valid for all callers.
      if (forAll !== view && !visible.leftOut) answers.keep(forAll, kept, query.name, body);
    }
    if (!gzip || body.bytes < gzipBytesMin) return body;
    const zipped = new ViewBody(yield* gzipped(body, this.#pace), body, true);
    answers.keep(view, kept, query.name + gzipName, zipped);
    return zipped;
  }

  /** Encodes the body that a handler writes. */
  *written(pretty: boolean, write: Written['write']): Work<{ readonly aside: Aside; readonly body: Body }> {
    const state = this.#context.registry.state.freeze();
    const share = new MemoryShare(this.#memory);
    try {
      const out = new JsonWriter(pretty, this.#pace, share);
      const aside = (yield* write(state, out)) ?? {};
      return { aside, body: new Body(aside.text === undefined ? out.finish() : [Buffer.from(aside.text)]) };
    } finally {
      state.close();
      share.free();
    }
  }

  #single(query: SingleQuery, visible: VisibilityFilter, revision: number): ViewBody {
    const bytes = query.encode(this.#context.registry.state, visible);
    this.#pace.spend(unitsPerSingle + (bytes?.length ?? 0) / bytesPerUnit);
    const narrowed = visible.leftOut;
    return new ViewBody([bytes ?? nothing], { revision, absent: bytes === undefined, narrowed }, false);
  }

  *#list(query: ListQuery, visible: VisibilityFilter, revision: number): Work<ViewBody> {
    const state = this.#context.registry.state.freeze();
    const share = new MemoryShare(this.#memory);
    try {
      const out = new JsonWriter(query.pretty, this.#pace, share);
      const absent = (yield* query.write(state, visible, out)) === false;
      const narrowed = visible.leftOut;
      const body = new ViewBody(absent ? [nothing] : out.finish(), { revision, absent, narrowed }, false);
      if (query.filtered === true && body.buffers.length > 1) body.digest = yield* digestInSlices(body, this.#pace);
      return body;
    } finally {
      state.close();
      share.free();
    }
  }

  /** Each change has its own revision, so the newest revision of all the views identifies the body. */
  #revisionKept({ shapedBy = none }: Query, revision: number): number {
    const { views } = this.#context.registry;
    let newest = revision;
    for (const view of shapedBy) newest = Math.max(newest, views.revision(view));
    return newest;
  }
}

/** The view under which a body is cached. @param viewer undefined for a body that is the same for all callers */
function viewKept(query: Query, viewer: Viewer | undefined): string {
  const view = followsItsView(query) ? query.view : `${query.view}\0${query.name}`;
  return viewer === undefined || viewer.seesAll(query.shows) ? view : `${view}\0${viewer.name}`;
}

/**
 * False for an answer that depends on several views: it has its own revision and is cached under its own name. False, too,
 * for a filtered answer, which would otherwise evict the other answers of its view.
 */
export function followsItsView({ others = none, shapedBy = none, filtered }: Query): boolean {
  return others.length === 0 && shapedBy.length === 0 && filtered !== true;
}

function* digestInSlices(body: Body, pace: Pace): Work<string> {
  const hash = createHash('sha1');
  for (const buffer of body.buffers) {
    hash.update(buffer);
    if (pace.spend(buffer.length / bytesPerUnit)) yield;
  }
  return hash.digest('base64');
}
