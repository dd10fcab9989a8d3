/**
 * A provider for OpenFeature's SDK for servers, as `@rollcall/client/openfeature`: flags of a configuration of the registry,
 * evaluated in this process. The SDK, `@openfeature/server-sdk`, is an optional peer.
 *
 *   flags ready ────────────► PROVIDER_READY            no flags in time ──► PROVIDER_ERROR, and READY when they come
 *   flags changed ──────────► PROVIDER_CONFIGURATION_CHANGED, with their keys
 *   registry out of reach, or newest release not usable ──► PROVIDER_STALE, and READY again afterwards
 */

import { setImmediate } from 'node:timers/promises';
import {
  OpenFeatureEventEmitter,
  ProviderEvents,
  type ErrorCode,
  type EvaluationContext,
  type JsonValue,
  type Provider,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import type { FlagValue } from '@rollcall/protocol';
import type { ConfigSnapshot } from '../config/config-options.ts';
import { changedIn, type CompiledFlags, type Flags } from '../config/flags.ts';

export class RollcallProvider implements Provider {
  readonly metadata = { name: 'rollcall' } as const;
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #flags: Flags;
  readonly #closed = new AbortController();

  /** @param flags as `rollcall.flags(NAME)` gives them; closing the provider does not close them */
  constructor(flags: Flags) {
    this.#flags = flags;
  }

  /** Resolves when flags are known, from the registry or from the disk cache. @throws RegistryError as `Flags.whenReady` */
  async initialize(): Promise<void> {
    const ready = this.#flags.whenReady({ signal: this.#closed.signal });
    // After a failure here, the SDK hears of the first flags as READY.
    void this.#follow(ready.then(() => this.#flags.snapshot(), () => undefined));
    await ready;
  }

  onClose(): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }

  resolveBooleanEvaluation(flagKey: string, defaultValue: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>> {
    return this.#resolve(flagKey, defaultValue, context);
  }

  resolveStringEvaluation(flagKey: string, defaultValue: string, context: EvaluationContext): Promise<ResolutionDetails<string>> {
    return this.#resolve(flagKey, defaultValue, context);
  }

  resolveNumberEvaluation(flagKey: string, defaultValue: number, context: EvaluationContext): Promise<ResolutionDetails<number>> {
    return this.#resolve(flagKey, defaultValue, context);
  }

  resolveObjectEvaluation<T extends JsonValue>(flagKey: string, defaultValue: T, context: EvaluationContext): Promise<ResolutionDetails<T>> {
    return this.#resolve(flagKey, defaultValue, context);
  }

  #resolve<T>(key: string, fallback: T & FlagValue, context: EvaluationContext): Promise<ResolutionDetails<T>> {
    const { value, variant, reason, errorCode, errorMessage, metadata } = this.#flags.evaluate<T & FlagValue>(key, fallback, context);
    return Promise.resolve({
      value,
      reason,
      flagMetadata: { ...metadata },
      ...(variant === undefined ? {} : { variant }),
      ...(errorCode === undefined ? {} : { errorCode: errorCode as ErrorCode }),
      ...(errorMessage === undefined ? {} : { errorMessage }),
    });
  }

  /** Tells the SDK what happens to the flags. @param begun what the SDK knows after `initialize`; undefined: that it failed */
  async #follow(begun: Promise<ConfigSnapshot<CompiledFlags> | undefined>): Promise<void> {
    let before = await begun;
    // The SDK says READY itself, a few steps after `initialize`; a start from the disk cache is stale from the beginning.
    await setImmediate();
    let stale = false;
    try {
      for await (const snapshot of this.#flags.configuration.watch({ signal: this.#closed.signal })) {
        const changed = before === undefined ? [] : changedIn(before.value.texts, snapshot.value.texts);
        if (changed.length > 0) this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: changed });
        if (before === undefined || (stale && !snapshot.stale)) this.events.emit(ProviderEvents.Ready);
        if (snapshot.stale && !stale) this.events.emit(ProviderEvents.Stale, { message: this.#flags.error?.message ?? 'the registry cannot be asked' });
        before = snapshot;
        ({ stale } = snapshot);
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) throw error;
    }
  }
}
