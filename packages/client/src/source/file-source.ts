/**
 * A source of instances from a JSON file: for machines without a registry, and for lists that another program
 * writes. It reads the file again every second, so that it may be replaced in any way; a file that is
 * unreadable or invalid changes nothing.
 *
 *     { "orders": ["10.0.0.7:8080", { "address": "10.0.0.8", "port": 8080, "tags": ["canary"], "weight": 2 }] }
 */

import { readFile } from 'node:fs/promises';
import { RegistryError } from '@rollcall/protocol';
import { type Clock, systemClock } from '../clock.ts';
import { checkRange, checkKnown, type OptionNames } from '../option-check.ts';
import type { SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';
import { type StaticInstance, StaticSource } from './static-source.ts';

export interface FileSourceOptions {
  /** How often the file is read, in milliseconds, 10 or more. 1,000 by default. */
  readonly intervalMs?: number;
  /** Called with the reason why a newer file is not used, once for each reason. */
  readonly onWarning?: (message: string) => void;
}

const fileSourceOptions: OptionNames<FileSourceOptions> = { intervalMs: true, onWarning: true };

/** Replaced in tests. */
export interface FileSourceSurroundings {
  readonly clock?: Clock;
}

export class FileSource implements SnapshotSource {
  readonly #path: string;
  readonly #intervalMs: number;
  readonly #onWarning: (message: string) => void;
  readonly #clock: Clock;
  readonly #lists = new StaticSource({}, 'file');
  /** The text in use: a new reading is usually equal to it. */
  #text: string | undefined;
  /** The text of each service's list that is in use. */
  readonly #known = new Map<string, string>();
  #warned = '';
  #stopTimer: () => void = () => {};
  #closed = false;

  private constructor(path: string, options: FileSourceOptions, clock: Clock) {
    const { intervalMs = 1_000, onWarning = () => {} } = options;
    checkKnown(options, fileSourceOptions, 'FileSource');
    checkRange(intervalMs >= 10 && intervalMs < Infinity, 'intervalMs', intervalMs, '10 or more');
    this.#path = path;
    this.#intervalMs = intervalMs;
    this.#onWarning = onWarning;
    this.#clock = clock;
  }

  /**
   * Reads the file, and reads it again at each interval until `close`.
   * @throws RegistryError `invalid_argument` when the file is invalid, or an option is out of its range; the
   *   error of reading the file
   */
  static async open(path: string, options: FileSourceOptions = {}, { clock = systemClock }: FileSourceSurroundings = {}): Promise<FileSource> {
    const source = new FileSource(path, options, clock);
    await source.#read();
    source.#again();
    return source;
  }

  current(service: string): SourcedSnapshot | undefined {
    return this.#of(service).current(service);
  }

  first(service: string, signal?: AbortSignal): Promise<SourcedSnapshot> {
    return this.#of(service).first(service, signal);
  }

  watch(service: string, listener: (snapshot: SourcedSnapshot) => void): () => void {
    return this.#of(service).watch(service, listener);
  }

  /** Stops reading the file; the lists stay. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  /** A service that the file does not name has no instances; this is known at once, without a wait. */
  #of(service: string): StaticSource {
    if (this.#lists.current(service) === undefined) this.#lists.set(service, []);
    return this.#lists;
  }

  #again(): void {
    if (this.#closed) return;
    this.#stopTimer = this.#clock.timer(this.#intervalMs, () => {
      this.#read()
        .then(
          () => (this.#warned = ''),
          (error: Error) => this.#warn(error.message),
        )
        .finally(() => this.#again());
    });
  }

  #warn(message: string): void {
    if (message === this.#warned) return;
    this.#warned = message;
    this.#onWarning(`${this.#path} is not used as it is now: ${message}`);
  }

  async #read(): Promise<void> {
    const text = await readFile(this.#path, 'utf8');
    if (text === this.#text) return;
    const services = parse(text, this.#path);
    // An error anywhere in the file makes the whole file invalid.
    StaticSource.check(services);
    this.#text = text;
    for (const service of this.#known.keys()) if (!Object.hasOwn(services, service)) this.#use(service, []);
    for (const [service, instances] of Object.entries(services)) this.#use(service, instances);
  }

  #use(service: string, instances: readonly StaticInstance[]): void {
    const text = JSON.stringify(instances);
    if (this.#known.get(service) === text) return;
    this.#known.set(service, text);
    this.#lists.set(service, instances);
  }
}

function parse(text: string, path: string): Record<string, readonly StaticInstance[]> {
  const wrong = (what: string) => new RegistryError('invalid_argument', `${path}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('it must be an object of lists by service');
  for (const [service, list] of Object.entries(value)) {
    if (!Array.isArray(list)) throw wrong(`${service} must be a list of "host:port" or of objects with address and port`);
    for (const entry of list as unknown[]) {
      if (typeof entry === 'string') continue;
      const { address, port } = (typeof entry === 'object' && entry !== null ? entry : {}) as { address?: unknown; port?: unknown };
      if (typeof address !== 'string' || !Number.isInteger(port)) throw wrong(`${service}: ${JSON.stringify(entry)} has no address and port`);
    }
  }
  return value as Record<string, readonly StaticInstance[]>;
}
