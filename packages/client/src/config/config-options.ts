/** What a program says and gets about a configuration: options, snapshots, waits. */

import type { ConfigLayer, RegistryError } from '@rollcall/protocol';
import type { OptionNames } from '../option-check.ts';
import type { ContentParser } from './content.ts';
import type { StandardSchema } from './standard-schema.ts';

export interface ConfigOptions<T = Record<string, unknown>> {
  /** Namespace of the configuration, its environment; by default the client's own. */
  readonly namespace?: string;
  /** The configuration of this cluster is read before that of the datacentre and of the cluster `default`. */
  readonly cluster?: string;
  /** By default that of the server. */
  readonly datacentre?: string;
  /** What rollouts may choose this client by, besides its address and its instance. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Validates, and perhaps converts, each content before the program sees it: a validator of zod, valibot, arktype or any other library with Standard Schema. */
  readonly schema?: StandardSchema<unknown, T>;
  /** Parses content in place of the client; needed for YAML and TOML, which are texts without it. */
  readonly parse?: ContentParser;
  /** Called when content cannot be used, and the last value stays; without it there is a process warning. */
  readonly onError?: (error: RegistryError) => void;
}

export interface ConfigSnapshot<T = Record<string, unknown>> {
  readonly value: T;
  /** Text of the app's own content. */
  readonly content: string;
  readonly format: string;
  /** Number of the release of the app's own content. */
  readonly release: number;
  /** The rollout that gives this release to this client; absent: all clients get it. */
  readonly rollout?: string;
  /** Of the configuration in the registry; it rises with each change. */
  readonly revision: number;
  /** The app's own content, and the public ones below it. */
  readonly layers: readonly ConfigLayer[];
  /** True while the registry cannot be asked, and when it has newer content which this program cannot use. */
  readonly stale: boolean;
  /** Milliseconds since the content was known to be current. */
  readonly ageMs: number;
  readonly origin: 'registry' | 'disk cache';
}

export interface ConfigWait {
  readonly signal?: AbortSignal;
  /** Longest wait in milliseconds; by default the `timeoutMs` of `connect`. */
  readonly timeoutMs?: number;
}

export const configOptions: OptionNames<ConfigOptions> = {
  ...{ namespace: true, cluster: true, datacentre: true, labels: true },
  ...{ schema: true, parse: true, onError: true },
};

export const configWait: OptionNames<ConfigWait> = { signal: true, timeoutMs: true };
