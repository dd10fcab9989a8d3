/**
 * Encodes lists of applications in slices, each from one moment of the registry. The instances of a service are kept encoded under
 * the revision of its view, so that a list of all services costs what has changed, and the copying of the rest.
 */

import { Body, type Answers } from '../../net/answers.ts';
import { MemoryShare, type AnswerMemory } from '../../net/answer-memory.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { instancesOfService } from '../../registry/kind/catalog/find.ts';
import { isRegistrysOwn } from '../../registry/kind/catalog/registrys-own.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { servicesAt } from '../../registry/kind/catalog/services-at.ts';
import { serviceView } from '../../registry/kind/catalog/views.ts';
import type { Views } from '../../registry/views.ts';
import type { Form } from './form.ts';
import { byApp, isListed, nodeAddressOf } from './instances.ts';
import { ListWriter } from '../../net/list-writer.ts';
import { appOf, namespace } from './names.ts';
import { count, hashOf, type Counts, type Tally } from './tally.ts';
import { infoOf } from './translate.ts';
import type { Recent } from './recent-changes.ts';
import type { EurekaStatus, InstanceInfo } from './wire/instance-info.ts';
import { compactInstanceJson, instanceJson } from './wire/write-json.ts';
import { compactInstanceXml, element, instanceXml } from './wire/write-xml.ts';

/** Services that the caller may read. */
export type MayRead = (service: string) => boolean;

/** Microseconds, about, of one instance. */
const unitsPerInstance = 6;
const unitsPerLook = 1 / 2;
const unitsPerService = 1;

export interface ApplicationsOptions {
  readonly views: Views;
  readonly answers: Answers;
  readonly tally: Tally;
  readonly pace: Pace;
  readonly memory: AnswerMemory;
}

export class Applications {
  readonly #options: ApplicationsOptions;

  constructor(options: ApplicationsOptions) {
    this.#options = options;
  }

  /** `/apps` */
  *all(frozen: Frozen, mayRead: MayRead, form: Form): Work<Body> {
    const services = servicesAt(frozen, namespace);
    const visible = services.filter(mayRead);
    const counts = yield* this.#counts(frozen, services, visible);
    const share = new MemoryShare(this.#options.memory);
    try {
      const list = new List(new ListWriter(share), form);
      list.begin(String(frozen.revision), hashOf(counts));
      for (const [app, names] of byApp(visible)) {
        for (const service of names) list.addEncoded(app, yield* this.#instancesOf(frozen, service, form));
        list.endApp();
        if (this.#options.pace.spend(unitsPerService)) yield;
      }
      return list.end();
    } finally {
      share.free();
    }
  }

  /** `/apps/delta`: what has changed, with the hash of everything. */
  *delta(frozen: Frozen, mayRead: MayRead, form: Form, recent: readonly Recent[]): Work<Body> {
    const services = servicesAt(frozen, namespace);
    const counts = yield* this.#counts(frozen, services, services.filter(mayRead));
    const effective = statuses(frozen);
    const apps = new Map<string, InstanceInfo[]>();
    for (const { key, row, isNew } of recent) {
      if (!mayRead(row.service) || isRegistrysOwn(row)) continue;
      const now = frozen.get(key) as InstanceRow | undefined;
      const isThere = now !== undefined && now.service === row.service && isListed(frozen, now);
      // Some clients take nothing of an instance that is added and that they have.
      const info: InstanceInfo = isThere
        ? { ...infoOf(now, effective(now), nodeAddressOf(frozen, now)), actionType: isNew ? 'ADDED' : 'MODIFIED' }
        : { ...infoOf(row, 'passing', nodeAddressOf(frozen, row)), actionType: 'DELETED' };
      const app = appOf(row.service);
      const same = apps.get(app);
      if (same === undefined) apps.set(app, [info]);
      else same.push(info);
      if (this.#options.pace.spend(unitsPerInstance)) yield;
    }
    return yield* this.#written(String(frozen.revision), apps, form, counts);
  }

  /** `/vips` and `/svips`, whose answers have no version. */
  *having(frozen: Frozen, mayRead: MayRead, form: Form, wanted: (row: InstanceRow) => boolean): Work<Body> {
    const apps = new Map<string, InstanceInfo[]>();
    const counts: Partial<Record<EurekaStatus, number>> = {};
    for (const info of yield* this.find(frozen, mayRead, wanted)) {
      const same = apps.get(info.app);
      if (same === undefined) apps.set(info.app, [info]);
      else same.push(info);
      count(counts, info.status);
    }
    return yield* this.#written('-1', apps, form, counts);
  }

  /** All instances that a caller may read and that are wanted. */
  *find(frozen: Frozen, mayRead: MayRead, wanted: (row: InstanceRow) => boolean): Work<InstanceInfo[]> {
    const { pace } = this.#options;
    const effective = statuses(frozen);
    const found: InstanceInfo[] = [];
    for (const service of servicesAt(frozen, namespace)) {
      if (!mayRead(service)) continue;
      for (const row of [...instancesOfService(frozen, namespace, service)]) {
        const isFound = wanted(row) && isListed(frozen, row);
        if (isFound) found.push(infoOf(row, effective(row), nodeAddressOf(frozen, row)));
        if (pace.spend(isFound ? unitsPerInstance : unitsPerLook)) yield;
      }
      if (pace.spend(unitsPerService)) yield;
    }
    return found;
  }

  /** `/apps/APP`; undefined when there is no such app. */
  *app(frozen: Frozen, app: string, services: readonly string[], form: Form): Work<Body | undefined> {
    const share = new MemoryShare(this.#options.memory);
    try {
      const list = new List(new ListWriter(share), form);
      list.beginSingle();
      for (const service of services) list.addEncoded(app, yield* this.#instancesOf(frozen, service, form));
      return list.endApp() ? list.endSingle() : undefined;
    } finally {
      share.free();
    }
  }

  *#counts(frozen: Frozen, services: readonly string[], visible: readonly string[]): Work<Counts> {
    const { tally } = this.#options;
    tally.keepOnly(new Set(services));
    return yield* tally.count(frozen, visible);
  }

  *#written(version: string, apps: ReadonlyMap<string, readonly InstanceInfo[]>, form: Form, counts: Counts): Work<Body> {
    const share = new MemoryShare(this.#options.memory);
    try {
      const list = new List(new ListWriter(share), form);
      list.begin(version, hashOf(counts));
      for (const [app, infos] of apps) {
        for (const info of infos) {
          list.add(app, encoded(info, form));
          if (this.#options.pace.spend(unitsPerInstance)) yield;
        }
        list.endApp();
      }
      return list.end();
    } finally {
      share.free();
    }
  }

  /** The instances of a service, encoded and joined; empty when there are none. */
  *#instancesOf(frozen: Frozen, service: string, form: Form): Work<Body> {
    const { views, answers, pace } = this.#options;
    const view = serviceView(namespace, service);
    const name = `eureka part ${form.name}`;
    const revision = views.revision(view);
    // If the view is newer than the moment, its instances are not those of the moment.
    const isCurrent = revision <= frozen.revision;
    const known = isCurrent ? answers.find(view, revision, name) : undefined;
    if (known !== undefined) return known;
    const out = new ListWriter();
    const effective = statuses(frozen);
    let isFirst = true;
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      if (isListed(frozen, row)) {
        const text = encoded(infoOf(row, effective(row), nodeAddressOf(frozen, row)), form);
        out.write(form.json && !isFirst ? `,${text}` : text);
        isFirst = false;
      }
      if (pace.spend(unitsPerInstance)) yield;
    }
    const body = new Body(out.finish());
    if (isCurrent) answers.keep(view, revision, name, body);
    return body;
  }
}

/** One instance within a list. */
function encoded(info: InstanceInfo, { json, compact }: Form): string {
  if (json) return compact ? compactInstanceJson(info) : instanceJson(info);
  return compact ? compactInstanceXml(info, '    ') : instanceXml(info, '    ');
}

/** The text around instances, in the order in which Eureka writes it. */
class List {
  readonly #out: ListWriter;
  readonly #form: Form;
  #tail = '';
  /** Of compact JSON, where they come last. */
  #facts: string | undefined;
  #apps = 0;
  #isOpen = false;

  constructor(out: ListWriter, form: Form) {
    this.#out = out;
    this.#form = form;
  }

  begin(version: string, hash: string): void {
    const { json, compact } = this.#form;
    const facts = `"versions__delta":"${version}","apps__hashcode":"${hash}"`;
    if (!json) {
      this.#out.write(`<applications>\n${element('  ', 'versions__delta', version)}${element('  ', 'apps__hashcode', hash)}`);
      this.#tail = '</applications>\n';
    } else if (compact) {
      this.#out.write('{"applications":{"application":[');
      this.#tail = `],"registeredApplicationsEmpty":`;
      this.#facts = facts;
    } else {
      this.#out.write(`{"applications":{${facts},"application":[`);
      this.#tail = ']}}';
    }
  }

  beginSingle(): void {
    if (this.#form.json) this.#out.write('{"application":');
  }

  addEncoded(app: string, { buffers, bytes }: Body): void {
    if (bytes === 0) return;
    this.#open(app);
    this.#out.append(buffers);
  }

  add(app: string, text: string): void {
    this.#open(app);
    this.#out.write(text);
  }

  /** @returns whether the app has an instance; without one, nothing is written */
  endApp(): boolean {
    if (!this.#isOpen) return false;
    this.#out.write(this.#form.json ? ']}' : '  </application>\n');
    this.#isOpen = false;
    return true;
  }

  end(): Body {
    this.#out.write(this.#tail);
    if (this.#facts !== undefined) this.#out.write(`${this.#apps === 0},${this.#facts}}}`);
    return new Body(this.#out.finish());
  }

  endSingle(): Body {
    if (this.#form.json) this.#out.write('}');
    return new Body(this.#out.finish());
  }

  /** Before an instance: the head of its app, or what stands between two instances. */
  #open(app: string): void {
    const { json } = this.#form;
    if (this.#isOpen) {
      if (json) this.#out.write(',');
      return;
    }
    this.#isOpen = true;
    if (json) this.#out.write(`${this.#apps++ > 0 ? ',' : ''}{"name":${JSON.stringify(app)},"instance":[`);
    else {
      this.#apps++;
      this.#out.write(`  <application>\n${element('    ', 'name', app)}`);
    }
  }
}
