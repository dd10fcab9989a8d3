/** One request of this front end: what it asks about, and who asks. Reads parameters and checks permissions. */

import { defaultNamespace, RegistryError, type ListedConfig, type OldKeys } from '@rollcall/protocol';
import { ConfigRows } from '../../configurations/config-rows.ts';
import type { Author, Configurations } from '../../configurations/configurations.ts';
import type { Past } from '../../history/past-states.ts';
import { MemoryShare, type AnswerMemory } from '../../net/answer-memory.ts';
import { Body } from '../../net/answers.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import { ListWriter } from '../../net/list-writer.ts';
import type { Pace, Turns, Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import { configName } from '../../registry/kind/config/find.ts';
import { defaultCluster } from '../../registry/kind/config/keys.ts';
import type { ConfigName } from '../../registry/kind/config/resolve.ts';
import type { ConfigRef } from '../../registry/kind/config/rows.ts';
import type { Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { anonymousAccessor } from '../../security/well-known.ts';

/** A permission on a configuration. */
export type Right = ListedConfig['can'][number];

export const permissions: Readonly<Record<Right, { readonly resource: Resource; readonly verb: Verb }>> = {
  read: { resource: 'config', verb: 'read' },
  edit: { resource: 'config', verb: 'write' },
  approve: { resource: 'config-approve', verb: 'write' },
  publish: { resource: 'config-publish', verb: 'write' },
  reveal: { resource: 'config-reveal', verb: 'write' },
};

const rights = Object.keys(permissions) as Right[];

/** Environments that one list has at most. */
export const environmentsMax = 100;

export type Fields = Readonly<Record<string, unknown>>;

/** What all requests share for answers that follow the size of the state. */
export interface LargeWork {
  readonly turns: Turns;
  readonly memory: AnswerMemory;
}

export class Call {
  readonly context: Context;
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly params: URLSearchParams;
  readonly body: Fields;
  /** For the audit log: what it was about. */
  about: { readonly namespace: string; readonly name: string } = { namespace: '', name: '' };
  /** Whether secrets were shown, which the audit log has to say. */
  revealed = false;

  readonly #large: LargeWork;
  #past: Past | undefined;
  #pastRows: ConfigRows | undefined;

  constructor(context: Context, exchange: Exchange, caller: Caller, body: Fields, large: LargeWork) {
    this.context = context;
    this.exchange = exchange;
    this.caller = caller;
    this.params = new URLSearchParams(exchange.query);
    this.body = body;
    this.#large = large;
  }

  get configurations(): Configurations {
    return this.context.configurations;
  }

  /** The state that a question is about: that of today, or of the time that the request asks for. */
  get state(): Past['frozen'] | Context['registry']['state'] {
    return this.#past?.frozen ?? this.context.registry.state;
  }

  /** Configurations in that state. */
  get rows(): ConfigRows {
    return this.#past === undefined ? this.configurations : (this.#pastRows ??= new ConfigRows(this.#past.frozen));
  }

  /** Answers as of a past time. */
  showAsOf(past: Past): void {
    this.#past = past;
  }

  /** The environment that the request names; one that the caller has no right in is hidden. */
  environment(): string {
    const namespace = namespaceFor(this.caller, this.params.get('environment') || this.caller.namespace || defaultNamespace);
    this.about = { ...this.about, namespace };
    return namespace;
  }

  /** The environments that a list is asked for, each once; those that the caller has no right in are hidden. @throws RegistryError `invalid_argument` */
  environments(): readonly string[] {
    const named = this.params.getAll('environment').filter((name) => name !== '');
    if (named.length === 0) return [this.environment()];
    if (named.length > environmentsMax) throw new RegistryError('invalid_argument', `the query has ${named.length} environments, the limit is ${environmentsMax}; ask for the others by another request`);
    return [...new Set(named)].map((name) => namespaceFor(this.caller, name));
  }

  /** The configuration that the request names. @throws RegistryError `invalid_argument`, `permission_denied` */
  ref(right: Right): ConfigRef {
    return { ...this.name(right), cluster: this.params.get('cluster') || defaultCluster };
  }

  /** The same without its cluster, which follows from the reader. */
  name(right: Right): ConfigName {
    const name = { namespace: this.environment(), app: this.required('app'), name: this.required('name') };
    this.about = { namespace: name.namespace, name: configName(name) };
    this.demand(right, name);
    return name;
  }

  /** @throws RegistryError `permission_denied` */
  demand(right: Right, name: ConfigName): void {
    const { resource, verb } = permissions[right];
    this.context.security.acl.authorize(this.caller, name.namespace, resource, verb, configName(name));
  }

  may(right: Right, name: ConfigName): boolean {
    const { resource, verb } = permissions[right];
    return this.caller.authorizer.allows(name.namespace, resource, verb, configName(name));
  }

  /** All that the caller may do with a configuration. */
  rightsOn(name: ConfigName): readonly Right[] {
    return rights.filter((right) => this.may(right, name));
  }

  /** Whether the caller asks for secrets, and may. Those of the past stay masked. @throws RegistryError `permission_denied` */
  reveals(name: ConfigName): boolean {
    if (this.params.get('reveal') !== 'true' || this.#past !== undefined) return false;
    this.demand('reveal', name);
    this.revealed = true;
    return true;
  }

  /** @throws RegistryError `invalid_argument` */
  required(name: string): string {
    const value = this.params.get(name) ?? '';
    if (value === '') throw new RegistryError('invalid_argument', `the query lacks ${name}`);
    return value;
  }

  /** @throws RegistryError `invalid_argument` */
  number(name: string): number {
    const text = this.required(name);
    if (!/^\d{1,15}$/.test(text)) throw new RegistryError('invalid_argument', `${name} is ${JSON.stringify(text.slice(0, 40))}, it must be a whole number`);
    return Number(text);
  }

  /** Does work whose length follows the size of the state, in slices. */
  inTurns<T>(work: (pace: Pace) => Work<T>): Promise<T> {
    return workOfRequest(this.#large.turns, this.exchange.response, work);
  }

  /** The same for a list of all configurations, of which there may be any number: each entry is encoded when it is added. */
  listInTurns(work: (pace: Pace, add: (entry: ListedConfig | OldKeys) => void) => Work<void>): Promise<Body> {
    const { memory } = this.#large;
    return this.inTurns(function* (pace) {
      const share = new MemoryShare(memory);
      try {
        const out = new ListWriter(share);
        let before = '[';
        yield* work(pace, (entry) => {
          out.write(before + JSON.stringify(entry));
          before = ',';
        });
        out.write(before === '[' ? '[]\n' : ']\n');
        return new Body(out.finish());
      } finally {
        share.free();
      }
    });
  }

  /** The token; without access control, the name that the request gives. */
  author(): Author {
    const { accessorId } = this.caller;
    const by = accessorId !== '' && accessorId !== anonymousAccessor ? accessorId : (this.params.get('by') ?? '');
    const { message } = this.body as { readonly message?: string };
    const from = this.exchange.request.socket.remoteAddress;
    return { ...(by === '' ? {} : { by }), ...(from === undefined ? {} : { from }), ...(message === undefined ? {} : { message }) };
  }
}
