/**
 * Answers reads of lists. A body is encoded once for each revision, and compressed once; requests for the same that come meanwhile share
 * the work. Callers who may not read every service get bodies of their own.
 *
 * Before a list is read, this node catches up with the store, so that a client that moves between nodes never sees an older registry:
 * its copy would not fit the hash, and it would fetch everything again.
 */

import type { ServerResponse } from 'node:http';
import type { Body } from '../../net/answers.ts';
import type { Context } from '../../net/frontend.ts';
import { ListBodies, type Encoded } from '../../net/list-bodies.ts';
import type { Work } from '../../net/turns.ts';
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
  /** As in `List`. */
  readonly inParts?: boolean;
}

/** The status of an answer, now or later; 404 is not answered yet. */
type Status = 200 | 404 | Promise<200 | 404>;

type Aged = Map<string, Encoded & { readonly untilMs: number }>;

/** With the original's timings, lists are up to this old (`responseCacheUpdateIntervalMs`). */
const compatAgeMs = 30_000;
const compatBodiesMax = 256;

export class Reads {
  readonly #context: Context;
  readonly #recent: RecentChanges;
  readonly #lists: ListBodies;
  readonly #applications: Applications;
  /** With the original's timings: the answers of the last 30 s. */
  readonly #aged: Aged | undefined;

  constructor(context: Context, parts: { readonly recent: RecentChanges; readonly compat: boolean }) {
    const { registry, answers } = context;
    this.#context = context;
    this.#recent = parts.recent;
    this.#lists = new ListBodies(context, 'eureka');
    const { views } = registry;
    const { memory, turns: { pace } } = this.#lists;
    this.#applications = new Applications({ views, answers, pace, memory, tally: new Tally(views, pace) });
    this.#aged = parts.compat ? new Map() : undefined;
  }

  all(reading: Reading): Status {
    const { form } = reading;
    return this.#answer(reading, {
      name: 'apps',
      revision: () => this.#catalogRevision(),
      make: (frozen, mayRead) => this.#applications.all(frozen, mayRead, form),
      inParts: true,
    });
  }

  delta(reading: Reading): Status {
    const { form } = reading;
    // In the turn in which the moment is taken: a delta has every change up to it.
    return this.#answer(reading, {
      name: `delta ${this.#recent.generation}`,
      revision: () => this.#catalogRevision(),
      make: (frozen, mayRead) => this.#applications.delta(frozen, mayRead, form, this.#recent.list()),
    });
  }

  app(reading: Reading, app: string, services: readonly string[]): Status {
    const { views } = this.#context.registry;
    return this.#answer(reading, {
      name: `app ${app.toUpperCase()}`,
      revision: () => services.reduce((newest, service) => Math.max(newest, views.revision(serviceView(namespace, service))), views.revision(servicesView(namespace))),
      make: (frozen) => this.#applications.app(frozen, app.toUpperCase(), services, reading.form),
    });
  }

  vip(reading: Reading, field: 'vipAddress' | 'secureVipAddress', vip: string): Status {
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
    const job = this.#lists.turns.start(this.#applications.find(frozen, mayReadOf(authorizer), wanted));
    return new Promise((resolve, reject) => {
      job.whenEnded((outcome) => {
        frozen.close();
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.value);
      });
    });
  }

  /** Resolves when this node has everything that was committed before; undefined when it has (`ListBodies.caughtUp`). */
  caughtUp(): Promise<void> | undefined {
    return this.#lists.caughtUp();
  }

  /** Resolves when no work is left. */
  idle(): Promise<void> {
    return this.#lists.idle();
  }

  #catalogRevision(): number {
    return this.#context.registry.views.revision(catalogView());
  }

  /** A kept body is sent at once. */
  #answer(reading: Reading, wanted: Wanted): Status {
    const behind = this.caughtUp();
    return behind === undefined ? this.#answerNow(reading, wanted) : behind.then(() => this.#answerNow(reading, wanted));
  }

  #answerNow(reading: Reading, wanted: Wanted): Status {
    const found = this.#aged === undefined ? this.#find(reading, wanted) : this.#findAged(this.#aged, reading, wanted);
    return found instanceof Promise ? found.then((later) => this.#send(reading, later)) : this.#send(reading, found);
  }

  #send({ response, form }: Reading, { body, gzip }: Encoded): 200 | 404 {
    if (body === undefined) return 404;
    this.#lists.send(response, { contentType: form.contentType, vary: 'Accept, Accept-Encoding, X-Eureka-Accept' }, body, gzip);
    return 200;
  }

  #find({ response, authorizer, form, gzip }: Reading, { name, revision, make, inParts = false }: Wanted): Encoded | Promise<Encoded> {
    const viewer = this.#viewerOf(authorizer);
    return this.#lists.find(response, { name, form: form.name, viewer, revision, make: (frozen) => make(frozen, mayReadOf(authorizer)), inParts }, gzip);
  }

  async #findAged(aged: Aged, reading: Reading, wanted: Wanted): Promise<Encoded> {
    const { authorizer, form, gzip } = reading;
    const name = `${wanted.name}\0${this.#viewerOf(authorizer)}\0${form.name}\0${gzip}`;
    const old = aged.get(name);
    if (old !== undefined && old.untilMs > this.#context.clock.now()) return old;
    const found = await this.#find(reading, wanted);
    this.#age(aged, name, found);
    return found;
  }

  #viewerOf(authorizer: Authorizer): string {
    return this.#lists.viewerOf(authorizer, authorizer.allowsAll(namespace, 'service', 'read'));
  }

  #age(aged: Aged, name: string, found: Encoded): void {
    if (found.body === undefined) return;
    aged.set(name, { ...found, untilMs: this.#context.clock.now() + compatAgeMs });
    for (const oldest of aged.keys()) {
      if (aged.size <= compatBodiesMax) break;
      aged.delete(oldest);
    }
  }
}

function mayReadOf(authorizer: Authorizer): MayRead {
  if (authorizer.allowsAll(namespace, 'service', 'read')) return () => true;
  return (service) => authorizer.allows(namespace, 'service', 'read', service);
}
