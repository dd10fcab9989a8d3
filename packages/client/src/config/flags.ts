/**
 * Feature flags of a configuration, evaluated in this process: no request is sent, nothing is awaited and nothing is thrown. When
 * a release cannot be parsed, the flags of the last one stay.
 */

import { parseFlags, type FlagEvaluation, type FlagSet, type FlagType, type FlagValue, type RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { ConfigSnapshot, ConfigWait } from './config-options.ts';
import type { Configuration } from './configuration.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What a configuration of flags holds: the definition, compiled, and its text by flag to find the changes. */
export interface CompiledFlags {
  readonly set: FlagSet;
  readonly texts: ReadonlyMap<string, string>;
}

/** Compiles the text of a definition, in the place of a validator. */
export const flagsSchema: StandardSchema<unknown, CompiledFlags> = {
  '~standard': {
    version: 1,
    vendor: 'rollcall',
    validate(content) {
      if (typeof content !== 'string') return { issues: [{ message: 'it is no text' }] };
      const parsed = parseFlags(content);
      return parsed.ok ? { value: { set: parsed.flags, texts: textsOf(content) } } : { issues: [{ message: parsed.message }] };
    },
  },
};

/** Evaluation details of a flag, as OpenFeature names them. */
export type FlagDetails<T extends FlagValue> = FlagEvaluation & { readonly value: T };

export interface FlagsChange {
  /** Keys of flags that are new, changed or gone. */
  readonly changed: readonly string[];
}

/** What is known of the user or request. `targetingKey` says who that is: flags divide users by it. */
export type FlagContext = Readonly<Record<string, unknown>>;

const noContext: FlagContext = {};

export class Flags {
  readonly configuration: Configuration<CompiledFlags>;
  readonly #clock: Clock;

  /** `Rollcall.flags` calls this. */
  constructor(configuration: Configuration<CompiledFlags>, clock: Clock) {
    this.configuration = configuration;
    this.#clock = clock;
  }

  /** True while the flags may not be the newest. */
  get stale(): boolean {
    return this.configuration.stale;
  }

  /** Why the newest flags cannot be used, or none come. */
  get error(): RegistryError | undefined {
    return this.configuration.error;
  }

  /** As `Configuration.whenReady`. */
  async whenReady(wait: ConfigWait = {}): Promise<void> {
    await this.configuration.whenReady(wait);
  }

  /** Keys of all flags; empty before the first content. */
  keys(): string[] {
    return [...(this.configuration.snapshot()?.value.set.keys ?? [])];
  }

  /** @param fallback what the code uses without a flag, of the type that the code expects. Never throws */
  value<T extends FlagValue>(key: string, fallback: T, context: FlagContext = noContext): T {
    return this.evaluate(key, fallback, context).value;
  }

  /**
   * The value with its variant and the reason. Never throws: an error has the fallback as its value, and a code. The reason is
   * CACHED for flags of the disk cache that no registry has confirmed, and STALE while the registry cannot be asked.
   */
  evaluate<T extends FlagValue>(key: string, fallback: T, context: FlagContext = noContext): FlagDetails<T> {
    const snapshot = this.configuration.snapshot();
    if (snapshot === undefined) {
      const errorMessage = this.error?.message ?? 'no flags are known yet; await whenReady() first';
      return { value: fallback, reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY', errorMessage, metadata: {} };
    }
    const details = snapshot.value.set.evaluateAs(typeOf(fallback), key, fallback, context, this.#clock.now());
    if (!snapshot.stale || details.reason === 'ERROR' || details.reason === 'DISABLED') return details;
    return { ...details, reason: snapshot.origin === 'disk cache' ? 'CACHED' : 'STALE' };
  }

  /** Which flags have changed, after each change. Ends when the client is closed. @throws the signal's reason when it aborts */
  async *changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<FlagsChange, void, undefined> {
    let before: ReadonlyMap<string, string> | undefined;
    for await (const snapshot of this.configuration.watch(signal === undefined ? {} : { signal })) {
      const { texts } = snapshot.value;
      const changed = before === undefined || before === texts ? [] : changedIn(before, texts);
      before = texts;
      if (changed.length > 0) yield { changed };
    }
  }

  /** The present content, with its release. */
  snapshot(): ConfigSnapshot<CompiledFlags> | undefined {
    return this.configuration.snapshot();
  }
}

/** Keys whose definition differs. */
export function changedIn(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
}

function typeOf(fallback: FlagValue): FlagType {
  return typeof fallback as FlagType;
}

/** Shared evaluators and metadata are part of every flag. */
function textsOf(content: string): ReadonlyMap<string, string> {
  const { flags = {}, ...shared } = JSON.parse(content) as { readonly flags?: Readonly<Record<string, unknown>> };
  const common = JSON.stringify(shared);
  return new Map(Object.entries(flags).map(([key, flag]) => [key, JSON.stringify(flag) + common]));
}
