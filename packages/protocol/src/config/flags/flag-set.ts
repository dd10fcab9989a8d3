/**
 * A set of feature flags in flagd's definition format, compiled once and evaluated without I/O. Evaluation never throws: an
 * error is a result with a code, and the caller uses the value of its own code. It does not know where the definition comes from.
 *
 *   content ── parse ──► flags by key: state, variants, default, compiled targeting
 *                                       │ evaluate(key, context)
 *                                       ▼
 *                         value, variant, reason      or      reason ERROR, error code, message
 *
 * Sources: flagd.dev/reference/flag-definitions; openfeature.dev/specification/types (resolution details).
 */

import { Compiler, type Watch } from './compile.ts';
import { flagLimits, InvalidRule, textOf, type Run, type Scope } from './expression.ts';

/** Reasons of OpenFeature. STALE and CACHED are given by those who know how old the definition is. */
export type FlagReason = 'STATIC' | 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT' | 'DISABLED' | 'ERROR' | 'STALE' | 'CACHED';

export type FlagErrorCode = 'FLAG_NOT_FOUND' | 'PARSE_ERROR' | 'TYPE_MISMATCH' | 'GENERAL' | 'PROVIDER_NOT_READY';

export type FlagValue = string | number | boolean | null | readonly FlagValue[] | { readonly [key: string]: FlagValue };

export type FlagType = 'boolean' | 'string' | 'number' | 'object';

export type FlagMetadata = Readonly<Record<string, string | number | boolean>>;

export interface FlagEvaluation {
  /** Undefined: the caller uses the value that its code has as default. */
  readonly value: FlagValue | undefined;
  readonly variant?: string;
  readonly reason: FlagReason;
  readonly errorCode?: FlagErrorCode;
  /** For people. */
  readonly errorMessage?: string;
  /** Of the set and the flag; the flag's own win. */
  readonly metadata: FlagMetadata;
}

interface Flag {
  readonly enabled: boolean;
  readonly variants: ReadonlyMap<string, FlagValue>;
  readonly defaultVariant: string | undefined;
  /** Undefined: there is none, and the default variant is for all. */
  readonly targeting: Run | undefined;
  /** Why the targeting could not be compiled. */
  readonly invalid: string | undefined;
  readonly metadata: FlagMetadata;
}

export type ParsedFlags =
  | {
      readonly ok: true;
      readonly flags: FlagSet;
      /** Flags whose targeting cannot be compiled; they answer with `PARSE_ERROR`. Publishers should refuse these. */
      readonly invalid: readonly { readonly key: string; readonly message: string }[];
    }
  | { readonly ok: false; readonly message: string };

/** @param content JSON of the definition; the caller limits its bytes */
export function parseFlags(content: string): ParsedFlags {
  try {
    const definition = objectOf(JSON.parse(content), 'the definition');
    const flags = flagsOf(definition, new Compiler(evaluatorsOf(definition)));
    const invalid = [...flags].flatMap(([key, flag]) => (flag.invalid === undefined ? [] : [{ key, message: flag.invalid }]));
    return { ok: true, flags: new FlagSet(flags, metadataOf(definition['metadata'], 'metadata')), invalid };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

export class FlagSet {
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #metadata: FlagMetadata;

  constructor(flags: ReadonlyMap<string, Flag>, metadata: FlagMetadata) {
    this.#flags = flags;
    this.#metadata = metadata;
  }

  /** Keys of all flags, in the order of the definition. */
  get keys(): Iterable<string> {
    return this.#flags.keys();
  }

  has(key: string): boolean {
    return this.#flags.has(key);
  }

  /**
   * Never throws, whatever the context is.
   * @param context what is known of the user or request; `targetingKey` says who that is
   * @param nowMs wall clock in milliseconds since the Unix epoch, for rules about time
   */
  evaluate(key: string, context: object, nowMs: number): FlagEvaluation {
    const flag = this.#flags.get(key);
    if (flag === undefined) return failed('FLAG_NOT_FOUND', `there is no flag ${JSON.stringify(key)}`, this.#metadata);
    const { metadata, defaultVariant } = flag;
    if (!flag.enabled) return { value: undefined, reason: 'DISABLED', metadata };
    if (flag.invalid !== undefined) return failed('PARSE_ERROR', `the targeting of flag ${JSON.stringify(key)} is invalid: ${flag.invalid}`, metadata);
    if (flag.targeting === undefined) return variantOf(flag, key, defaultVariant, 'STATIC');
    const scope: Scope = { data: context, context, flagKey: key, nowMs, stepsLeft: flagLimits.stepsMax, split: undefined };
    try {
      const result = flag.targeting(scope);
      if (result === null || result === undefined) return variantOf(flag, key, defaultVariant, 'DEFAULT');
      return variantOf(flag, key, textOf(result), scope.split !== undefined ? 'SPLIT' : 'TARGETING_MATCH');
    } catch (error) {
      return failed('GENERAL', `the targeting of flag ${JSON.stringify(key)} has no result: ${messageOf(error)}`, metadata);
    }
  }

  /**
   * Evaluates for code that expects a type.
   * @param fallback what the code uses when the flag gives no value of that type
   */
  evaluateAs<T extends FlagValue>(type: FlagType, key: string, fallback: T, context: object, nowMs: number): FlagEvaluation & { readonly value: T } {
    const result = this.evaluate(key, context, nowMs);
    if (result.value === undefined) return { ...result, value: fallback };
    if (typeof result.value === type) return result as FlagEvaluation & { readonly value: T };
    const message = `flag ${JSON.stringify(key)} is a ${typeof result.value}, the code expects a ${type}`;
    return { ...failed('TYPE_MISMATCH', message, result.metadata), value: fallback };
  }
}

/** @param variant undefined: there is no default variant, and the code's own default applies */
function variantOf(flag: Flag, key: string, variant: string | undefined, reason: FlagReason): FlagEvaluation {
  const { metadata } = flag;
  if (variant === undefined) return { value: undefined, reason: 'DEFAULT', metadata };
  const value = flag.variants.get(variant);
  if (value === undefined) return failed('GENERAL', `flag ${JSON.stringify(key)} has no variant ${JSON.stringify(variant)}`, metadata);
  return { value, variant, reason, metadata };
}

function failed(errorCode: FlagErrorCode, errorMessage: string, metadata: FlagMetadata): FlagEvaluation {
  return { value: undefined, reason: 'ERROR', errorCode, errorMessage, metadata };
}

/** A context may have getters, which may throw anything. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it threw something that is no error';
}

/** Compiles one flag of a definition, and calls `watch` for each of its expressions. @throws Error for a definition or flag that is invalid */
export function watchedFlag(definition: unknown, key: string, watch: Watch): FlagSet {
  const { flags, ...rest } = objectOf(definition, 'the definition');
  const own = Object.entries(objectOf(flags ?? {}, 'flags')).filter(([each]) => each === key);
  return new FlagSet(flagsOf({ ...rest, flags: Object.fromEntries(own) }, new Compiler(evaluatorsOf(rest), watch)), metadataOf(rest['metadata'], 'metadata'));
}

function evaluatorsOf(definition: Fields): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(objectOf(definition['$evaluators'] ?? {}, '$evaluators')));
}

function flagsOf(definition: Fields, compiler: Compiler): Map<string, Flag> {
  const entries = Object.entries(objectOf(definition['flags'] ?? {}, 'flags'));
  if (entries.length > flagLimits.flagsMax) throw new Error(`there are ${entries.length} flags, the limit is ${flagLimits.flagsMax}`);
  const shared = metadataOf(definition['metadata'], 'metadata');
  return new Map(entries.map(([key, value]) => [key, flagOf(objectOf(value, `flag ${JSON.stringify(key)}`), key, { compiler, shared })]));
}

function flagOf(definition: Fields, key: string, { compiler, shared }: { compiler: Compiler; shared: FlagMetadata }): Flag {
  const what = `flag ${JSON.stringify(key)}`;
  const { state, targeting, defaultVariant } = definition;
  if (state !== 'ENABLED' && state !== 'DISABLED') throw new Error(`state of ${what} is ${JSON.stringify(state)}, it must be "ENABLED" or "DISABLED"`);
  const variants = new Map(Object.entries(objectOf(definition['variants'], `variants of ${what}`) as Record<string, FlagValue>));
  if (defaultVariant !== undefined && defaultVariant !== null && typeof defaultVariant !== 'string') {
    throw new Error(`defaultVariant of ${what} is ${JSON.stringify(defaultVariant)}, it must be a string`);
  }
  const chosen = defaultVariant === null || defaultVariant === '' ? undefined : defaultVariant;
  if (chosen !== undefined && !variants.has(chosen)) throw new Error(`${what} has no variant ${JSON.stringify(chosen)}, its defaultVariant`);
  return {
    enabled: state === 'ENABLED',
    variants,
    defaultVariant: chosen,
    ...compiled(compiler, targeting),
    metadata: { ...shared, ...metadataOf(definition['metadata'], `metadata of ${what}`) },
  };
}

function compiled(compiler: Compiler, targeting: unknown): Pick<Flag, 'targeting' | 'invalid'> {
  if (isAbsent(targeting)) return { targeting: undefined, invalid: undefined };
  try {
    return { targeting: compiler.compile(targeting), invalid: undefined };
  } catch (error) {
    if (error instanceof InvalidRule) return { targeting: undefined, invalid: error.message };
    throw error;
  }
}

function isAbsent(targeting: unknown): boolean {
  return targeting === undefined || targeting === null || (typeof targeting === 'object' && Object.keys(targeting).length === 0);
}

type Fields = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`${what} must be an object`);
}

function metadataOf(value: unknown, what: string): FlagMetadata {
  const entries = Object.entries(objectOf(value ?? {}, what));
  for (const [name, each] of entries) {
    if (!['string', 'number', 'boolean'].includes(typeof each)) throw new Error(`${what} has ${JSON.stringify(name)}, which is no string, number or boolean`);
  }
  return Object.fromEntries(entries) as FlagMetadata;
}
