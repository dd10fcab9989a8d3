/** The configurations and flags that a program has opened, each once. */

import { configNameParts, RegistryError, type FrameView } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { checkNamespace, viewIn } from '../connection/view-name.ts';
import { guardedListener, warn } from '../event-listener.ts';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { configOptions, type ConfigOptions } from './config-options.ts';
import { Configuration } from './configuration.ts';
import { Flags, flagsSchema, type CompiledFlags } from './flags.ts';
import type { ConfigCache } from './kept-config.ts';
import type { WatchedConfigs } from './watched-configs.ts';

export interface ConfigsOptions {
  readonly configs: WatchedConfigs;
  /** Undefined without a folder for it. */
  readonly configCache: ConfigCache | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The client's own. */
  readonly namespace: string;
  /** This client's instance in a service, written `NODE/ID`; undefined without one. */
  readonly instanceOf: (service: string) => string | undefined;
}

/** As those of a configuration; the format is that of flags, so there is nothing to parse or validate. */
export type FlagsOptions = Omit<ConfigOptions, 'schema' | 'parse'>;

const flagsOptions: OptionNames<FlagsOptions> = { namespace: true, cluster: true, datacentre: true, labels: true, onError: true };

export class Configs {
  readonly #options: ConfigsOptions;
  readonly #opened = new Map<string, Configuration<never>>();
  readonly #flags = new WeakMap<Configuration<CompiledFlags>, Flags>();

  constructor(options: ConfigsOptions) {
    this.#options = options;
  }

  /** @throws RegistryError `failed_precondition` for options in a later call; `invalid_argument` */
  open<T>(name: string, options: ConfigOptions<T>): Configuration<T> {
    checkKnown(options, configOptions, 'config');
    const { namespace = this.#options.namespace, cluster, ...own } = options;
    const view = configView(namespace, name, cluster);
    const key = JSON.stringify(view);
    const known = this.#opened.get(key) as Configuration<T> | undefined;
    if (known !== undefined && Object.keys(own).length > 0) {
      throw new RegistryError('failed_precondition', `configuration ${name} is in use already; give its options with the first call, or close it`);
    }
    if (known !== undefined) return known;
    const { configs, configCache: cache, clock, timeoutMs, instanceOf } = this.#options;
    const app = configNameParts(name)?.app ?? '';
    const configuration = new Configuration<T>(
      {
        ...{ view, configs, cache, clock, timeoutMs },
        instance: () => (namespace === this.#options.namespace ? instanceOf(app) : undefined),
        onError: guardedListener(options.onError ?? ((error: RegistryError) => warn(error.message)), 'onError of config'),
        onClosed: () => this.#opened.delete(key),
      },
      options,
    );
    this.#opened.set(key, configuration as unknown as Configuration<never>);
    return configuration;
  }

  /** @throws RegistryError as `open`; also when the configuration is in use as another than flags */
  openFlags(name: string, options: FlagsOptions): Flags {
    checkKnown(options, flagsOptions, 'flags');
    const { namespace = this.#options.namespace, cluster, ...own } = options;
    const opened = this.#opened.get(JSON.stringify(configView(namespace, name, cluster))) as Configuration<CompiledFlags> | undefined;
    const known = opened && this.#flags.get(opened);
    if (known !== undefined && Object.keys(own).length === 0) return known;
    const configuration = this.open<CompiledFlags>(name, { ...options, parse: (content) => content, schema: flagsSchema });
    const flags = new Flags(configuration, this.#options.clock);
    this.#flags.set(configuration, flags);
    return flags;
  }
}

/** @throws RegistryError `invalid_argument` */
function configView(namespace: string, name: string, cluster: string | undefined): FrameView {
  checkNamespace(namespace);
  if (configNameParts(name) === undefined) throw new RegistryError('invalid_argument', `the configuration is ${JSON.stringify(name)}; name it APP/NAME`);
  const view = viewIn(namespace, 'config', name);
  return cluster === undefined || cluster === 'default' ? view : { ...view, cluster };
}
