/** What each route does: reads the request, runs reads and writes, and answers with Eureka's statuses and bodies. */

import { RegistryError } from '@rollcall/protocol';
import { peerAddress } from '../../net/agent-node.ts';
import type { Context } from '../../net/frontend.ts';
import { takesGzip } from '../../net/list-bodies.ts';
import { principalOf } from '../../net/principal.ts';
import type { Verb } from '../../security/authorizer.ts';
import { readContent } from './body.ts';
import type { Call } from './call.ts';
import { BadInstance, errorBody, statusOfCode, Unreadable } from './errors.ts';
import { formOf, isReplicated } from './form.ts';
import { Instances } from './instances.ts';
import { DeltaWatch } from './delta-watch.ts';
import { appOf, instanceIdOf, namespace, serviceOf } from './names.ts';
import { Inbound } from './peers/inbound.ts';
import { answersJson, answersXml, readBatch, type Message, type MessageAnswer } from './peers/messages.ts';
import { Reads, type Reading } from './reads.ts';
import type { Action } from './routes.ts';
import { statusPage } from './status-page.ts';
import { overriddenOf } from './translate.ts';
import { eurekaStatuses, type EurekaStatus, type InstanceInfo } from './wire/instance-info.ts';
import { InstanceError, readInstance } from './wire/read-instance.ts';
import { compactInstanceJson, instanceJson } from './wire/write-json.ts';
import { compactInstanceXml, instanceXml } from './wire/write-xml.ts';
import { Writes, type Renewal, type Writer } from './writes.ts';

type Done = Promise<void> | void;

/** A batch has 250 registrations, by far most of which are smaller than a hundredth of what one may be. */
const batchBodies = 4;

export class Actions {
  readonly #context: Context;
  readonly #startedMs: number;
  readonly #instances: Instances;
  readonly #deltas: DeltaWatch;
  readonly #reads: Reads;
  readonly writes: Writes;
  readonly inbound: Inbound;
  readonly #run: Readonly<Record<Action, (call: Call) => Done>>;

  constructor(context: Context, compat: boolean) {
    const { registry, clock } = context;
    this.#context = context;
    this.#startedMs = clock.now();
    this.#instances = new Instances(registry);
    this.#deltas = new DeltaWatch(context);
    this.#reads = new Reads(context, { recent: this.#deltas.recent, compat });
    this.writes = new Writes(context, { instances: this.#instances, rule: { factor: compat ? 2 : 1 }, caughtUp: () => this.#reads.caughtUp() });
    this.inbound = new Inbound({ writes: this.writes, statusOfCode });
    this.#run = {
      renew: (call) => this.#renew(call),
      apps: (call) => this.#list(call, (reading) => this.#watched(() => this.#reads.all(reading))),
      delta: (call) => this.#list(call, (reading) => this.#watched(() => this.#reads.delta(reading))),
      app: (call) => this.#app(call),
      register: (call) => this.#register(call),
      instance: (call) => this.#instance(call),
      cancel: (call) => this.#about(call, (app, id) => this.writes.cancel(app, id, this.#writer(call))),
      'set-status': (call) => this.#setStatus(call),
      'clear-status': (call) => this.#clearStatus(call),
      'set-metadata': (call) => this.#setMetadata(call),
      'instance-anywhere': (call) => this.#instanceAnywhere(call),
      vip: (call) => this.#list(call, (reading) => this.#reads.vip(reading, 'vipAddress', call.parts[0] ?? '')),
      svip: (call) => this.#list(call, (reading) => this.#reads.vip(reading, 'secureVipAddress', call.parts[0] ?? '')),
      asg: (call) => this.#error(call, 400, 'there are no auto-scaling groups of Amazon here'),
      replicate: (call) => this.#replicate(call),
      overrides: (call) => this.#overrides(call),
      status: (call) => this.#status(call),
    };
  }

  async close(): Promise<void> {
    this.#deltas.close();
    await this.#reads.idle();
  }

  /** @throws RegistryError and the errors of `errors.ts`, now or later */
  run(call: Call): Done {
    return this.#run[call.route.action](call);
  }

  #renew(call: Call): Done {
    const [app = '', id = ''] = call.parts;
    const renewal = this.writes.renew(app, id, dirtyMsIn(call.exchange.query), this.#writer(call));
    return renewal instanceof Promise ? renewal.then((later) => this.#renewed(call, later)) : this.#renewed(call, renewal);
  }

  #renewed(call: Call, renewal: Renewal): void {
    if (renewal === 'renewed') this.#empty(call, 200);
    else if (renewal === 'unknown') this.#error(call, 404, 'there is no such lease, or the client has a newer instance; register it again');
    else this.#sendInstance(call, renewal.newer, 409);
  }

  async #register(call: Call): Promise<void> {
    const { request } = call.exchange;
    const { root, value, xml } = await readContent(request, this.#context.limits.bodyBytesMax);
    if (root !== 'instance' && root !== '') throw new Unreadable(`an instance is expected, not ${JSON.stringify(root.slice(0, 80))}`);
    const info = readInstance(value, xml);
    const expected = appOf(call.parts[0] ?? '');
    if (info.app !== expected) throw new BadInstance(`Mismatched appName, expecting ${expected} but was ${info.app}`);
    if (expected.includes('/')) throw new BadInstance(`the app ${JSON.stringify(expected.slice(0, 80))} has a /, which no app may have here`);
    await this.writes.register(info, this.#writer(call));
    this.#empty(call, 204);
  }

  /** A batch of changes from another Eureka server. */
  async #replicate(call: Call): Promise<void> {
    const { request } = call.exchange;
    const { root, value } = await readContent(request, this.#context.limits.bodyBytesMax * batchBodies);
    const messages = readBatch({ [root]: value });
    const answers = await this.inbound.batch(messages, { ...this.#writer(call), replicated: true });
    this.#record(call, messages, answers);
    const { json, contentType } = formOf(request.headers);
    this.#text(call, 200, contentType, json ? answersJson(answers) : answersXml(answers));
  }

  /** Into the audit log, as single requests are: changes that were made, but no heartbeats, and all that were refused. */
  #record({ caller, exchange: { request } }: Call, messages: readonly (Message | InstanceError)[], answers: readonly MessageAnswer[]): void {
    const origin = { address: request.socket.remoteAddress ?? '', via: 'eureka' };
    for (const [at, message] of messages.entries()) {
      if (message instanceof InstanceError) continue;
      const { action, app, id } = message;
      const status = answers[at]?.status ?? 0;
      const kind = status === statusOfCode.permission_denied ? 'denied' : status < 300 && action !== 'Heartbeat' ? 'write' : undefined;
      if (kind !== undefined) this.#context.security.gate.record(kind, caller, namespace, origin, `POST /eureka/peerreplication/batch ${action} ${app}/${id}`);
    }
  }

  async #setStatus(call: Call): Promise<void> {
    const status = statusParam(call.exchange.query);
    if (status === undefined) throw new RegistryError('invalid_argument', `value is missing; it must be one of ${eurekaStatuses.join(', ')}`);
    await this.#about(call, (app, id) => this.writes.setStatus(app, id, status, this.#writer(call)));
  }

  async #clearStatus(call: Call): Promise<void> {
    const status = statusParam(call.exchange.query);
    await this.#about(call, (app, id) => this.writes.clearStatus(app, id, status, this.#writer(call)));
  }

  async #setMetadata(call: Call): Promise<void> {
    const pairs = new Map<string, string>();
    // The first of several values counts, as in Eureka.
    for (const [key, value] of new URLSearchParams(call.exchange.query)) if (!pairs.has(key)) pairs.set(key, value);
    await this.#about(call, (app, id) => this.writes.setMetadata(app, id, [...pairs], this.#writer(call)));
  }

  /** Does something to the instance of the path: 200 with an empty body, or 404. */
  async #about(call: Call, act: (app: string, id: string) => Promise<boolean>): Promise<void> {
    const [app = '', id = ''] = call.parts;
    if (await act(app, id)) this.#empty(call, 200);
    else this.#notFound(call);
  }

  #list(call: Call, read: (reading: Reading) => number | Promise<number>): Done {
    const listed = (status: number) => {
      if (status === 404) this.#notFound(call);
    };
    const status = read(readingOf(call));
    return typeof status === 'number' ? listed(status) : status.then(listed);
  }

  /** Of a client that goes on with deltas. */
  #watched(read: () => number | Promise<number>): number | Promise<number> {
    const waiting = this.#deltas.used();
    return waiting === undefined ? read() : waiting.then(read);
  }

  #app(call: Call): Done {
    const [app = ''] = call.parts;
    const read = () => {
      const services = this.#readable(call, app);
      return this.#list(call, (reading) => this.#reads.app(reading, app, services));
    };
    const behind = this.#reads.caughtUp();
    return behind === undefined ? read() : behind.then(read);
  }

  async #instance(call: Call): Promise<void> {
    const [app = '', id = ''] = call.parts;
    await this.#reads.caughtUp();
    const services = this.#readable(call, app);
    const row = this.#instances.shown(app, id);
    if (row === undefined || !services.includes(row.service)) this.#notFound(call);
    else this.#sendInstance(call, this.writes.infoOf(row));
  }

  async #instanceAnywhere(call: Call): Promise<void> {
    const [id = ''] = call.parts;
    await this.#reads.caughtUp();
    const [info] = await this.#reads.find(call.caller.authorizer, (row) => instanceIdOf(row) === id);
    if (info === undefined) this.#notFound(call);
    else this.#sendInstance(call, info);
  }

  /** Override of each instance that has one, by its id. */
  async #overrides(call: Call): Promise<void> {
    await this.#reads.caughtUp();
    const infos = await this.#reads.find(call.caller.authorizer, ({ override }) => overriddenOf(override) !== 'UNKNOWN');
    this.#text(call, 200, 'application/json', JSON.stringify(Object.fromEntries(infos.map(({ instanceId, overriddenStatus }) => [instanceId, overriddenStatus]))));
  }

  #status(call: Call): void {
    this.#context.security.acl.authorize(call.caller, namespace, 'agent', 'read', this.#context.identity.nodeName);
    const { json, contentType } = formOf(call.exchange.request.headers);
    this.#text(call, 200, contentType, statusPage(this.#context, json, this.#startedMs));
  }

  /**
   * The services of an app that the caller may read.
   * @throws RegistryError `permission_denied` when the caller may read none of them
   */
  #readable({ caller }: Call, app: string): readonly string[] {
    const services = this.#instances.servicesOfApp(app);
    const readable = services.filter((service) => caller.authorizer.allows(namespace, 'service', 'read', service));
    if (readable.length === 0) this.#authorize(caller, 'read', services[0] ?? serviceOf(app));
    return readable;
  }

  #authorize(caller: Call['caller'], verb: Verb, service: string): void {
    this.#context.security.acl.authorize(caller, namespace, 'service', verb, service);
  }

  #writer({ caller, exchange }: Call): Writer {
    const { socket, headers } = exchange.request;
    return { principal: principalOf(caller, peerAddress(socket) ?? ''), replicated: isReplicated(headers), connection: socket, authorize: (service) => this.#authorize(caller, 'write', service) };
  }

  #sendInstance(call: Call, info: InstanceInfo, status = 200): void {
    const { json, compact, contentType } = formOf(call.exchange.request.headers);
    const text = json ? `{"instance":${compact ? compactInstanceJson(info) : instanceJson(info)}}` : compact ? compactInstanceXml(info, '') : instanceXml(info, '');
    this.#text(call, status, contentType, text);
  }

  #empty({ exchange: { response } }: Call, status: 200 | 204): void {
    response.writeHead(status, status === 204 ? noHead : emptyHead);
    response.end();
  }

  #notFound(call: Call): void {
    this.#error(call, 404, 'there is no such app or instance');
  }

  #error(call: Call, status: number, message: string): void {
    this.#text(call, status, 'application/json', errorBody(status, message, call.exchange.path, this.#context.clock.now()));
  }

  #text({ exchange: { response } }: Call, status: number, type: string, text: string): void {
    const bytes = Buffer.from(text);
    response.writeHead(status, ['Content-Type', type, 'Content-Length', String(bytes.length)]);
    response.end(bytes);
  }
}

const emptyHead: string[] = ['Content-Length', '0'];
const noHead: string[] = [];

function readingOf({ exchange: { request, response }, caller: { authorizer } }: Call): Reading {
  const { headers } = request;
  return { response, authorizer, form: formOf(headers), gzip: takesGzip(headers) };
}

const dirtyParam = /(?:^|&)lastDirtyTimestamp=([^&]*)/;

/** @throws RegistryError `invalid_argument` */
function dirtyMsIn(query: string): number | undefined {
  const text = query === '' ? undefined : dirtyParam.exec(query)?.[1];
  // Clients write the word `null` when they have no time.
  if (text === undefined || text === '' || text === 'null') return undefined;
  const dirtyMs = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(dirtyMs)) return dirtyMs;
  throw new RegistryError('invalid_argument', `lastDirtyTimestamp is ${JSON.stringify(text.slice(0, 80))}; it must be milliseconds since the Unix epoch`);
}

/** @throws RegistryError `invalid_argument` for what is no status; Eureka itself answers 500 */
function statusParam(query: string): EurekaStatus | undefined {
  const value = new URLSearchParams(query).get('value');
  if (value === null || value === '') return undefined;
  const status = eurekaStatuses.find((each) => each === value.toUpperCase());
  if (status !== undefined) return status;
  throw new RegistryError('invalid_argument', `value is ${JSON.stringify(value.slice(0, 80))}; it must be one of ${eurekaStatuses.join(', ')}`);
}
