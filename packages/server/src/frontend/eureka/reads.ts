/**
 * Answers reads of lists. A body is encoded once for each revision, and compressed once; requests for the same that come meanwhile share
 * the work. Callers who may not read every service get bodies of their own.
 *
 * Before a list is read, this node catches up with the store, so that a client that moves between nodes never sees an older registry:
 * its copy would not fit the hash, and it would fetch everything again.
 */

import type { ServerResponse } from 'node:http';
import { AnswerMemory } from '../../net/answer-memory.ts';
import { Body } from '../../net/answers.ts';
import { BodySender } from '../../net/body-sender.ts';
import type { Context } from '../../net/frontend.ts';
import { gzipBytesMin, gzipped } from '../../net/gzip.ts';
import { LargeBodies } from '../../net/large-bodies.ts';
import { SharedWork } from '../../net/shared-work.ts';
import { Turns, type Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { catalogView, serviceView, servicesView } from '../../registry/kind/catalog/views.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { Applications, type MayRead } from './applications.ts';
import type { Form } from './form.ts';
import { namespace } from './names.ts';
import type { RecentChanges } from './recent-changes.ts';
import { Tally } from './tally.ts';
import { vipsOf } from './translate.ts';
import type { InstanceInfo } from './wire/instance-info.ts';

/** Who reads, and in which form. */
export interface Reading {
  readonly response: ServerResponse;
  readonly authorizer: Authorizer;
  readonly form: Form;
  readonly gzip: boolean;
}

/** What is read. */
interface Wanted {
  /** Names it among all bodies of this front end. */
  readonly name: string;
  /** Of everything that it shows. */
  readonly revision: () => number;
  readonly make: (frozen: Frozen, mayRead: MayRead) => Work<Body | undefined>;
}

interface Found {
  /** Undefined: there is no such thing. */
  readonly body: Body | undefined;
  readonly gzip: boolean;
}

/** With the original's timings, lists are up to this old (`responseCacheUpdateIntervalMs`). */
const compatAgeMs = 30_000;
const compatBodiesMax = 256;

export class Reads {
  readonly #context: Context;
  readonly #recent: RecentChanges;
  readonly #turns = new Turns();
  readonly #memory = new AnswerMemory();
  readonly #large: LargeBodies;
  readonly #shared: SharedWork<Found>;
  readonly #applications: Applications;
  /** Numbers for the permissions of callers who may not read everything. */
  readonly #viewers = new WeakMap<Authorizer, number>();
  #viewerCount = 0;
  /** With the original's timings: the answers of the last 30 s. */
  readonly #aged: Map<string, Found & { readonly untilMs: number }> | undefined;

  constructor(context: Context, parts: { readonly recent: RecentChanges; readonly compat: boolean }) {
    const { registry, answers } = context;
    this.#context = context;
    this.#recent = parts.recent;
    this.#large = new LargeBodies(this.#memory, new BodySender());
    this.#shared = new SharedWork(this.#turns);
    const { views } = registry;
    const { pace } = this.#turns;
    this.#applications = new Applications({ views, answers, pace, memory: this.#memory, tally: new Tally(views, pace) });
    this.#aged = parts.compat ? new Map() : undefined;
  }

  all(reading: Reading): Promise<number> {
    const { form } = reading;
    return this.#answer(reading, {
      name: 'apps',
      revision: () => this.#catalogRevision(),
      make: (frozen, mayRead) => this.#applications.all(frozen, mayRead, form),
    });
  }

  delta(reading: Reading): Promise<number> {
    const { form } = reading;
    // In the turn in which the moment is taken: a delta has every change up to it.
    return this.#answer(reading, {
      name: `delta ${this.#recent.generation}`,
      revision: () => this.#catalogRevision(),
      make: (frozen, mayRead) => this.#applications.delta(frozen, mayRead, form, this.#recent.list()),
    });
  }

  app(reading: Reading, app: string, services: readonly string[]): Promise<number> {
    const { views } = this.#context.registry;
    return this.#answer(reading, {
      name: `app ${app.toUpperCase()}`,
      revision: () => services.reduce((newest, service) => Math.max(newest, views.revision(serviceView(namespace, service))), views.revision(servicesView(namespace))),
      make: (frozen) => this.#applications.app(frozen, app.toUpperCase(), services, reading.form),
    });
  }

  vip(reading: Reading, field: 'vipAddress' | 'secureVipAddress', vip: string): Promise<number> {
    const { form } = reading;
    return this.#answer(reading, {
      name: `${field} ${vip}`,
      revision: () => this.#catalogRevision(),
      make: (frozen, mayRead) => this.#applications.having(frozen, mayRead, form, (row) => vipsOf(row, field).includes(vip)),
    });
  }

  /** The instances that are wanted, of all apps. */
  find(authorizer: Authorizer, wanted: (row: InstanceRow) => boolean): Promise<readonly InstanceInfo[]> {
    const frozen = this.#context.registry.state.freeze();
    const job = this.#turns.start(this.#applications.find(frozen, mayReadOf(authorizer), wanted));
    return new Promise((resolve, reject) => {
      job.whenEnded((outcome) => {
        frozen.close();
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    });
  }

  /** Resolves when this node has everything that was committed before, or is known not to follow the store: then it answers with what it has. */
  async caughtUp(): Promise<void> {
    const { registry } = this.#context;
    if (registry.staleMs === 0) await registry.barrier().catch(() => {});
  }

  /** Resolves when no work is left. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  #catalogRevision(): number {
    return this.#context.registry.views.revision(catalogView());
  }

  /** @returns the status of the answer; 404 was not answered */
  async #answer(reading: Reading, wanted: Wanted): Promise<number> {
    const { response, form } = reading;
    await this.caughtUp();
    const found = await this.#find(reading, wanted);
    if (found.body === undefined) return 404;
    const { body } = found;
    this.#large.send(
      response,
      () => {
        const head = ['Content-Type', form.contentType, 'Content-Length', String(body.bytes), 'Vary', 'Accept, Accept-Encoding, X-Eureka-Accept'];
        if (found.gzip) head.push('Content-Encoding', 'gzip');
        response.writeHead(200, head);
      },
      body,
    );
    return 200;
  }

  async #find(reading: Reading, wanted: Wanted): Promise<Found> {
    const { authorizer, form, gzip } = reading;
    const viewer = this.#viewerOf(authorizer);
    const view = `eureka\0${wanted.name}\0${viewer}`;
    const aged = this.#aged?.get(`${view}\0${form.name}\0${gzip}`);
    if (aged !== undefined && aged.untilMs > this.#context.clock.now()) return aged;
    const revision = wanted.revision();
    const kept = this.#kept(view, revision, reading);
    const found = kept ?? (await this.#make(view, revision, reading, wanted));
    this.#age(`${view}\0${form.name}\0${gzip}`, found);
    return found;
  }

  #kept(view: string, revision: number, { form, gzip }: Reading): Found | undefined {
    const { answers } = this.#context;
    const zipped = gzip ? answers.find(view, revision, `${form.name} gzip`) : undefined;
    if (zipped !== undefined) return { body: zipped, gzip: true };
    const plain = answers.find(view, revision, form.name);
    return plain === undefined || (gzip && plain.bytes >= gzipBytesMin) ? undefined : { body: plain, gzip: false };
  }

  #make(view: string, revision: number, reading: Reading, wanted: Wanted): Promise<Found> {
    const name = `${view}\0${revision}\0${reading.form.name}\0${reading.gzip}`;
    return new Promise((resolve, reject) => {
      const leave = this.#shared.join(name, () => this.#encode(view, reading, wanted), { ready: resolve, failed: reject });
      if (leave !== undefined) reading.response.once('close', leave);
    });
  }

  *#encode(view: string, { authorizer, form, gzip }: Reading, wanted: Wanted): Work<Found> {
    const { answers, registry } = this.#context;
    // The work may have waited for its turn, so it shows the present revision.
    const revision = wanted.revision();
    let body = answers.find(view, revision, form.name);
    if (body === undefined) {
      const frozen = registry.state.freeze();
      try {
        body = yield* wanted.make(frozen, mayReadOf(authorizer));
      } finally {
        frozen.close();
      }
      if (body === undefined) return { body, gzip: false };
      answers.keep(view, revision, form.name, body);
    }
    if (!gzip || body.bytes < gzipBytesMin) return { body, gzip: false };
    const zipped = new Body(yield* gzipped(body, this.#turns.pace));
    answers.keep(view, revision, `${form.name} gzip`, zipped);
    return { body: zipped, gzip: true };
  }

  #age(name: string, found: Found): void {
    const aged = this.#aged;
    if (aged === undefined || found.body === undefined) return;
    aged.set(name, { ...found, untilMs: this.#context.clock.now() + compatAgeMs });
    for (const oldest of aged.keys()) {
      if (aged.size <= compatBodiesMax) break;
      aged.delete(oldest);
    }
  }

  /** Empty for callers who may read every service. */
  #viewerOf(authorizer: Authorizer): string {
    if (authorizer.allowsAll(namespace, 'service', 'read')) return '';
    let number = this.#viewers.get(authorizer);
    if (number === undefined) this.#viewers.set(authorizer, (number = ++this.#viewerCount));
    return String(number);
  }
}

function mayReadOf(authorizer: Authorizer): MayRead {
  if (authorizer.allowsAll(namespace, 'service', 'read')) return () => true;
  return (service) => authorizer.allows(namespace, 'service', 'read', service);
}
