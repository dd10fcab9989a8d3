/**
 * The registration object that a program holds. `connection/registrations.ts` brings its instance into the registry
 * and keeps it there.
 */

import {
  RegistryError,
  checkRequest,
  kindOfCheck,
  type AdministrativeStatus,
  type CheckRegistration,
  type CheckStatus,
  type InstanceRegistration,
  type NamedPort,
} from '@rollcall/protocol';
import { checkRange, checkKnown, type OptionNames } from './option-check.ts';
import type { Registrations } from './connection/registrations.ts';
import type { RegistryConnection } from './connection/registry-connection.ts';

export interface RegisterOptions {
  /** Letters, digits and `. _ : @ -`, at most 255. */
  readonly service: string;
  /** Unique on the node; by default the service's name and eight random digits. */
  readonly id?: string;
  /** Host name or IP address; by default that of the client as the registry sees it. */
  readonly address?: string;
  /** 0 to 65,535; 0 by default, for none. */
  readonly port?: number;
  /** Scheme of `port` in lower case, as in a URL; none by default. */
  readonly scheme?: string;
  /** Further ports by name, at most 16. */
  readonly ports?: Readonly<Record<string, NamedPort>>;
  /** The failure domain of the instance; `routing.zone` of callers uses it. */
  readonly zone?: string;
  readonly region?: string;
  /** The group within the service, as in Nacos. */
  readonly cluster?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** Relative share of traffic, from 0 to 65,535, also a fraction; 1 by default. */
  readonly weight?: number;
  /** The same while a check warns; `weight` by default. */
  readonly warningWeight?: number;
  /** The status that the instance reports; only `up` gets traffic. `up` by default. */
  readonly status?: AdministrativeStatus;
  /** False: the instance gets no traffic. Absent: unchanged, or true for a new instance. */
  readonly enabled?: boolean;
  /** True: the instance outlives this client, and stays until it is deregistered; false by default. */
  readonly persistent?: boolean;
  /** Checks by the registry, besides the stream. By default a check's name is its kind. */
  readonly checks?: readonly (Omit<CheckRegistration, 'name'> & { readonly name?: string })[];
}

export const registerOptions: OptionNames<RegisterOptions> = {
  ...{ service: true, id: true, address: true, port: true, scheme: true, ports: true, zone: true, region: true, cluster: true },
  ...{ tags: true, meta: true, weight: true, warningWeight: true, status: true, enabled: true, persistent: true, checks: true },
};

export type RegistrationChange = Partial<Omit<RegisterOptions, 'id' | 'service'>>;

export interface WaitOptions {
  /** Cancels the wait. */
  readonly signal?: AbortSignal | undefined;
}

export const waitOptions: OptionNames<WaitOptions> = { signal: true };

export interface RegisterWait extends WaitOptions {
  /** Longest wait, in milliseconds, more than 0; no limit by default. */
  readonly timeoutMs?: number;
}

/** An instance that is registered, or will be as soon as a registry takes it. `await using` closes it. */
const registerWaitOptions: OptionNames<RegisterWait> = { ...waitOptions, timeoutMs: true };

export interface Registration {
  readonly id: string;
  readonly service: string;
  /**
   * Resolves when a registry has the instance as it is now. If the wait ends early, the instance is still
   * registered as soon as a registry accepts it.
   * @throws RegistryError the reason why a registry refuses it (the client tries again every 5 to 10 s), `unavailable` when
   *   `timeoutMs` is over, `cancelled` when the client closes; the signal's reason when it aborts
   */
  registered(wait?: RegisterWait): Promise<void>;
  /**
   * Changes the given fields and keeps the others; also ends a `drain`.
   * @throws RegistryError the reason of a refusal; `unavailable` if the registry cannot be reached in
   *   time: the client sends the change later
   */
  update(change: RegistrationChange, options?: WaitOptions): Promise<void>;
  /**
   * Announces that the instance is about to leave (status `draining`): pickers stop choosing it, requests in flight may finish.
   * @throws RegistryError as `update`
   */
  drain(options?: WaitOptions): Promise<void>;
  /**
   * A heartbeat for the `ttlMs` check of that name.
   * @throws RegistryError `not_found` for an unknown check; `unavailable`, `deadline_exceeded`
   */
  beat(check: string, status?: CheckStatus, output?: string, options?: WaitOptions): Promise<void>;
  /** Deregisters. Never rejects: if the registry cannot be reached now, the client deregisters later. May be called twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface RegisterSurroundings {
  readonly registrations: Registrations;
  readonly connection: RegistryConnection;
  readonly timeoutMs: number;
  readonly uuid: () => string;
}

/** @throws RegistryError as documented at `Rollcall.announce` */
export function announce(surroundings: RegisterSurroundings, options: RegisterOptions): Registration {
  const { registrations, uuid } = surroundings;
  const id = options.id ?? `${options.service}-${uuid().slice(0, 8)}`;
  const instance = toInstance({ ...options, id });
  if (registrations.find(id)?.wanted !== undefined) {
    throw new RegistryError('already_exists', `this client has registered instance ${id} already; update or close it`);
  }
  registrations.want(id, instance);
  return new Registered(surroundings, instance);
}

/** @throws RegistryError as documented at `Rollcall.register` */
export async function register(surroundings: RegisterSurroundings, options: RegisterOptions, wait: RegisterWait): Promise<Registration> {
  checkKnown(wait, registerWaitOptions, 'register');
  const registration = announce(surroundings, options);
  try {
    await registration.registered(wait);
  } catch (error) {
    // The program does not get the registration object, so the instance must not appear later.
    surroundings.registrations.want(registration.id, undefined);
    throw error;
  }
  return registration;
}

class Registered implements Registration {
  readonly #surroundings: RegisterSurroundings;
  #instance: InstanceRegistration;
  #closed = false;

  constructor(surroundings: RegisterSurroundings, instance: InstanceRegistration) {
    this.#surroundings = surroundings;
    this.#instance = instance;
  }

  get id(): string {
    return this.#instance.id;
  }

  get service(): string {
    return this.#instance.service;
  }

  async registered(wait: RegisterWait = {}): Promise<void> {
    const { signal, timeoutMs = Infinity } = wait;
    checkKnown(wait, registerWaitOptions, 'registered');
    checkRange(timeoutMs > 0, 'timeoutMs', timeoutMs, 'more than 0');
    if (this.#closed) throw closedError(this.id);
    await this.#surroundings.registrations.confirmed(this.id, { signal, timeoutMs });
  }

  update(change: RegistrationChange, options: WaitOptions = {}): Promise<void> {
    const { status, ...rest } = this.#instance;
    // A change ends a drain; the other fields that the instance reported stay.
    const before = status === undefined || status === 'draining' ? rest : { ...rest, status };
    return this.#want(() => ({ ...before, ...toInstance({ ...change, id: before.id, service: before.service }) }), options);
  }

  drain(options: WaitOptions = {}): Promise<void> {
    return this.#want(() => ({ ...this.#instance, status: 'draining' }), options);
  }

  async beat(check: string, status: CheckStatus = 'passing', output = '', options: WaitOptions = {}): Promise<void> {
    checkKnown(options, waitOptions, 'beat');
    const { connection, timeoutMs } = this.#surroundings;
    const beat = { type: 'beat', instance: this.id, check, status, output } as const;
    await connection.ask(beat, { repeatable: true, timeoutMs, signal: options.signal });
  }

  async close(): Promise<void> {
    const { registrations, timeoutMs } = this.#surroundings;
    if (!this.#closed) registrations.want(this.id, undefined);
    this.#closed = true;
    await registrations.confirmed(this.id, { timeoutMs }).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #want(next: () => InstanceRegistration, options: WaitOptions): Promise<void> {
    checkKnown(options, waitOptions, 'a registration');
    const { registrations, timeoutMs } = this.#surroundings;
    if (this.#closed) throw closedError(this.id);
    this.#instance = next();
    registrations.want(this.id, this.#instance);
    await registrations.confirmed(this.id, { signal: options.signal, timeoutMs });
  }
}

function closedError(id: string): RegistryError {
  return new RegistryError('failed_precondition', `registration ${id} is closed`);
}

/**
 * Absent fields stay absent, so that an update can be merged with the former registration.
 * @throws RegistryError `invalid_argument` for a malformed registration, which the registry would refuse
 */
function toInstance(given: RegisterOptions & { readonly id: string }): InstanceRegistration {
  checkKnown(given, registerOptions, 'register');
  const { checks, ...options } = given;
  const instance = {
    ...options,
    ...(checks === undefined ? {} : { checks: checks.map((check) => ({ ...check, name: check.name ?? kindOfCheck(check) })) }),
  };
  const checked = checkRequest({ type: 'register', id: 1, instances: [instance] });
  if (!checked.ok) throw new RegistryError('invalid_argument', checked.message.replace('instances[0].', ''));
  if (checked.frame.type !== 'register') throw new RegistryError('internal', 'a register frame was taken for another');
  return checked.frame.instances[0] as InstanceRegistration;
}
