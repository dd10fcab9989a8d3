/**
 * One configuration as a program reads it: the newest content that the program can use, typed and at hand without waiting.
 *
 *   registry ─► received ─► read by format ─► validated ─► current ─► get, snapshot, watch
 *   disk     ─►    │              └─ not usable: the last value stays, onError and the registry hear why
 *                  └─ older than what is known: dropped
 *
 * A value is never replaced by an older one: the revision of the configuration in the registry rises with each release, rollback
 * and step of a rollout. Content that arrives while a validator is at work waits, and only the newest is used.
 */

import { RegistryError, type ConfigLayer, type FrameView, type ReaderFacts, type SnapshotFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { latest } from '../source/latest.ts';
import { checkKnown } from '../option-check.ts';
import { configWait, type ConfigOptions, type ConfigSnapshot, type ConfigWait } from './config-options.ts';
import { formatOf, isUnparsed, keysOf, readLayers } from './content.ts';
import type { ConfigCache, KeptConfig } from './kept-config.ts';
import { notReady, unparsed, unusable } from './no-value.ts';
import { issuesText, type StandardSchema } from './standard-schema.ts';
import type { ConfigReceiver, WatchedConfigs } from './watched-configs.ts';

export interface ConfigurationParts {
  readonly view: FrameView;
  readonly configs: WatchedConfigs;
  readonly cache: ConfigCache | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Instance of this client in the service that is named like the app, written `NODE/ID`; undefined without one. */
  readonly instance: () => string | undefined;
  readonly onError: (error: RegistryError) => void;
  readonly onClosed: () => void;
}

interface Known {
  readonly registry: string;
  readonly revision: number;
  readonly layers: readonly ConfigLayer[];
}

interface Current<T> extends Known {
  readonly value: T;
  readonly keys: ReadonlyMap<string, unknown>;
  readonly origins: ReadonlyMap<string, ConfigLayer> | undefined;
  readonly fromDisk: boolean;
}

export class Configuration<T = Record<string, unknown>> {
  readonly name: string;
  readonly #parts: ConfigurationParts;
  readonly #options: ConfigOptions<T>;
  readonly #listeners = new Set<() => void>();
  readonly #stop: () => void;
  /** The newest content, usable or not. */
  #known: Known | undefined;
  #current: Current<T> | undefined;
  #keys: ReadonlyMap<string, unknown> | undefined;
  /** Why the newest content cannot be used, or none comes; undefined while all is well. */
  #error: RegistryError | undefined;
  /** Since when what is known may be old, on the monotonic clock; undefined while it is current. */
  #staleSince: number | undefined;
  #snapshot: ConfigSnapshot<T> | undefined;
  /** Rises with each content that arrives, so that a slow validator does not bring back an older one. */
  #arrival = 0;
  #closed = false;

  /** `Rollcall.config` calls this. */
  constructor(parts: ConfigurationParts, options: ConfigOptions<T>) {
    this.name = parts.view.name;
    this.#parts = parts;
    this.#options = options;
    this.#staleSince = parts.clock.monotonic();
    this.#stop = parts.configs.add(this.#receiver());
    void parts.cache?.find(parts.view).then((kept) => kept && this.#restore(kept));
  }

  /** True while the value may not be the newest: no registry can be asked, or its newest content cannot be used. */
  get stale(): boolean {
    return this.#staleSince !== undefined || this.#error !== undefined;
  }

  /** Number of the release in use; undefined before the first. */
  get release(): number | undefined {
    return this.#current?.layers[0]?.release;
  }

  /** Why the newest content cannot be used, or none comes; undefined while all is well. */
  get error(): RegistryError | undefined {
    return this.#error;
  }

  /**
   * The value of a key. Keys of objects within objects are joined by dots, as in `db.host`. Takes a fraction of a microsecond.
   * @returns undefined for a key that the configuration does not have
   * @throws RegistryError `failed_precondition` before the first content; `whenReady` waits for it. Also for YAML and TOML without the
   *   option `parse` or a schema that makes an object of the text: the client has no parser for them
   */
  get<K extends keyof T & string>(key: K): T[K];
  get(key: string): unknown;
  get(key: string): unknown {
    if (this.#keys === undefined) throw this.#notReady();
    return this.#keys.get(key);
  }

  /** Of properties: the layer that a key's value comes from; undefined for other formats and unknown keys. */
  originOf(key: string): ConfigLayer | undefined {
    return this.#current?.origins?.get(key);
  }

  /** The content now; undefined before the first. */
  snapshot(): ConfigSnapshot<T> | undefined {
    if (this.#snapshot !== undefined && !this.stale) return this.#snapshot;
    return this.#current && (this.#snapshot = this.#snapshotOf(this.#current));
  }

  /**
   * Resolves with the first content that this program can use: from the registry, or from the disk cache.
   * @throws RegistryError `unavailable` when none came in time; `not_found`, `permission_denied`, `invalid_argument` and so on, as
   *   the registry says or the content is; the signal's reason when it aborts
   */
  async whenReady(wait: ConfigWait = {}): Promise<ConfigSnapshot<T>> {
    checkKnown(wait, configWait, 'whenReady');
    const { signal, timeoutMs = this.#parts.timeoutMs } = wait;
    this.#parts.configs.urge();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw signal.reason;
      const end = (): void => {
        this.#listeners.delete(look);
        stopTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const look = (): void => {
        const snapshot = this.snapshot();
        if (snapshot === undefined && this.#error === undefined) return;
        end();
        if (snapshot === undefined) reject(this.#error);
        else resolve(snapshot);
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const stopTimer = this.#parts.clock.timer(timeoutMs, () => {
        end();
        reject(new RegistryError('unavailable', `no registry could be asked for configuration ${this.name} within ${timeoutMs} ms, and nothing is cached`));
      });
      this.#listeners.add(look);
      signal?.addEventListener('abort', onAbort);
      look();
    });
  }

  /**
   * The content now and after every change, also when it becomes stale and current again. A slow reader gets only the newest.
   * Ends when the configuration or the client is closed.
   * @throws the signal's reason when it aborts
   */
  watch({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ConfigSnapshot<T>, undefined> {
    return latest<ConfigSnapshot<T>>((values) => {
      let told: Current<T> | undefined;
      let toldStale: boolean | undefined;
      const look = (): void => {
        const { stale } = this;
        if (this.#current !== undefined && (this.#current !== told || stale !== toldStale)) {
          told = this.#current;
          toldStale = stale;
          values.push(this.#snapshotOf(this.#current));
        }
        if (this.#closed) values.end();
      };
      this.#listeners.add(look);
      look();
      return () => this.#listeners.delete(look);
    }, signal);
  }

  /** Ends watches, and stops following the configuration. The last value stays readable. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#staleSince ??= this.#parts.clock.monotonic();
    this.#stop();
    this.#parts.onClosed();
    this.#tell();
  }

  #receiver(): ConfigReceiver {
    const known = () => this.#known;
    return {
      view: this.#parts.view,
      facts: () => this.#facts(),
      get known() {
        return known();
      },
      received: (frame, registry, isCurrent) => this.#received(frame, registry, isCurrent),
      confirmed: () => this.#confirmed(),
      stale: (since) => this.#becameStale(since),
      failed: (error) => this.#failed(error),
    };
  }

  #facts(): ReaderFacts {
    const { labels, datacentre } = this.#options;
    const instance = this.#parts.instance();
    return {
      ...(instance === undefined ? {} : { instance }),
      ...(labels === undefined ? {} : { labels }),
      ...(datacentre === undefined ? {} : { datacentre }),
    };
  }

  #restore({ registry, revision, layers, savedAt }: KeptConfig): void {
    if (this.#known !== undefined || this.#closed) return;
    const { clock } = this.#parts;
    this.#staleSince = clock.monotonic() - Math.max(0, clock.now() - savedAt);
    this.#take({ registry, revision, layers }, true);
  }

  #received({ revision, items }: SnapshotFrame, registry: string, isCurrent: boolean): void {
    const before = this.#known;
    // Another registry has other revisions, and what it says counts.
    if (before?.registry === registry && revision < before.revision) return;
    if (isCurrent) this.#staleSince = undefined;
    this.#take({ registry, revision, layers: items as readonly ConfigLayer[] }, false);
  }

  #take(known: Known, fromDisk: boolean): void {
    this.#known = known;
    const arrival = ++this.#arrival;
    const [own, ...below] = known.layers;
    if (own === undefined) {
      this.#refuse(new RegistryError('not_found', `configuration ${this.name} has no release for this client`), 0);
      return;
    }
    try {
      const { value, origins } = readLayers([own, ...below], this.#options.parse);
      const validated = this.#options.schema === undefined ? { value: value as T } : this.#options.schema['~standard'].validate(value);
      if (!(validated instanceof Promise)) {
        this.#use({ ...known, fromDisk, origins }, validated);
        return;
      }
      validated.then(
        (result) => {
          if (arrival === this.#arrival) this.#use({ ...known, fromDisk, origins }, result);
        },
        (error: unknown) => {
          if (arrival === this.#arrival) this.#refuse(unusable(this.name, own, error), own.release);
        },
      );
    } catch (error) {
      this.#refuse(unusable(this.name, own, error), own.release);
    }
  }

  #use(read: Omit<Current<T>, 'value' | 'keys'>, validated: Awaited<ReturnType<StandardSchema<unknown, T>['~standard']['validate']>>): void {
    const release = read.layers[0]?.release ?? 0;
    if (validated.issues !== undefined) {
      this.#refuse(new RegistryError('invalid_argument', `${this.name}, release ${release}, does not fit the schema: ${issuesText(validated.issues)}`), release);
      return;
    }
    const { value } = validated;
    this.#current = { ...read, value, keys: keysOf(value) };
    this.#keys = isUnparsed(value, read.layers) ? undefined : this.#current.keys;
    this.#error = undefined;
    this.#snapshot = undefined;
    this.#tell();
    if (read.fromDisk) return;
    this.#parts.configs.report(this.#parts.view, { release, applied: true });
    this.#save();
  }

  #refuse(error: RegistryError, release: number): void {
    this.#error = error;
    this.#snapshot = undefined;
    this.#tell();
    this.#parts.onError(error);
    this.#parts.configs.report(this.#parts.view, { release, applied: false, error: error.message.slice(0, reportedMax) });
  }

  #failed(error: RegistryError): void {
    this.#becameStale(this.#parts.clock.monotonic());
    if (error.code === 'cancelled') {
      this.close();
      return;
    }
    const repeated = this.#error?.message === error.message;
    this.#error = error;
    this.#tell();
    if (!repeated) this.#parts.onError(error);
  }

  #confirmed(): void {
    const { clock } = this.#parts;
    if (this.#staleSince === undefined) return;
    this.#staleSince = undefined;
    this.#snapshot = undefined;
    if (this.#current?.layers === this.#known?.layers) this.#error = undefined;
    if (this.#current?.fromDisk === true) {
      this.#current = { ...this.#current, fromDisk: false };
      this.#parts.configs.report(this.#parts.view, { release: this.#current.layers[0]?.release ?? 0, applied: true });
    }
    this.#save(clock.now());
    this.#tell();
  }

  #becameStale(since: number): void {
    if (this.#staleSince !== undefined) return;
    this.#staleSince = since;
    this.#save();
    this.#tell();
  }

  #save(savedAt = this.#parts.clock.now() - this.#ageMs()): void {
    const { cache, view } = this.#parts;
    if (cache === undefined || this.#current === undefined || this.#current.fromDisk) return;
    const { registry, revision, layers } = this.#current;
    cache.save({ view, registry, revision, layers, savedAt });
  }

  #ageMs(): number {
    return this.#staleSince === undefined ? 0 : Math.max(0, this.#parts.clock.monotonic() - this.#staleSince);
  }

  #snapshotOf({ value, revision, layers, fromDisk }: Current<T>): ConfigSnapshot<T> {
    const own = layers[0] as ConfigLayer;
    return {
      ...{ value, content: own.content, format: formatOf(own), release: own.release, revision, layers },
      ...(own.rollout === undefined ? {} : { rollout: own.rollout }),
      ...{ stale: this.stale, ageMs: this.#ageMs(), origin: fromDisk ? 'disk cache' : 'registry' },
    };
  }

  #notReady(): RegistryError {
    const [own] = this.#current?.layers ?? [];
    return own === undefined ? (this.#error ?? notReady(this.name)) : unparsed(this.name, own);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Characters of an error in a report. */
const reportedMax = 1_000;
