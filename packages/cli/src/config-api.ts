/** Requests of the commands about configurations, and the words of their command lines. */

import type { Command } from 'commander';
import type { Schema, Shaped } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf, type Target } from './admin-call.ts';
import { usage } from './failure.ts';
import { addNamespacedOptions, type RegistryFlags } from './servers.ts';
import type { Terminal } from './terminal.ts';

export interface ConfigFlags extends RegistryFlags {
  readonly cluster?: string;
  readonly by?: string;
  readonly json?: true;
}

/** The options that all of these commands have. */
export function addConfigOptions(command: Command): Command {
  command.option('--cluster <name>', 'the cluster of the configuration; default when not given');
  return addNamespacedOptions(command);
}

/** For commands that change something. */
export function addAuthorOptions(command: Command): Command {
  command.option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  return addConfigOptions(command);
}

/** What names a configuration within an environment. */
export interface ConfigPlace {
  readonly app: string;
  readonly cluster: string;
  /** May contain slashes. */
  readonly name: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** One configuration, as a command line names it. */
export class NamedConfig {
  readonly target: Target;
  /** `APP/NAME`. */
  readonly name: string;
  readonly #query: Readonly<Record<string, string>>;

  constructor(target: Target, name: string, query: Readonly<Record<string, string>>) {
    this.target = target;
    this.name = name;
    this.#query = query;
  }

  get<S extends Schema>(path: string, schema: S, query: Readonly<Record<string, string>> = {}): Promise<Shaped<S>> {
    return askAnswer(this.target, this.#path(path, query), schema);
  }

  post<S extends Schema>(path: string, schema: S, body: Fields): Promise<Shaped<S>> {
    return askAnswer(this.target, this.#path(path, {}), schema, { method: 'POST', body: JSON.stringify(body) });
  }

  #path(path: string, query: Readonly<Record<string, string>>): string {
    return `/rollcall/v1/config${path}?${new URLSearchParams({ ...this.#query, ...query }).toString()}`;
  }
}

/** @throws CommandFailure `usage` */
export async function namedConfig(name: string, flags: ConfigFlags, terminal: Terminal): Promise<NamedConfig> {
  // A name may contain slashes, the name of an app may not.
  const slash = name.indexOf('/');
  if (slash < 1 || slash === name.length - 1) throw usage(`${JSON.stringify(name)} is not APP/NAME, as in shop/app.yaml`);
  const { cluster = 'default' } = flags;
  return configAt({ app: name.slice(0, slash), name: name.slice(slash + 1), cluster }, flags, terminal);
}

/** The same for a configuration that a file or a list names. */
export async function configAt({ app, cluster, name }: ConfigPlace, { by: given, ...flags }: Omit<ConfigFlags, 'cluster'>, terminal: Terminal): Promise<NamedConfig> {
  const by = given ?? terminal.env['USER'];
  const target = await namespacedTargetOf(flags, terminal);
  const { namespace } = target;
  return new NamedConfig(target, `${app}/${name}`, {
    ...{ app, name, cluster },
    ...(namespace === undefined ? {} : { environment: namespace }),
    ...(by === undefined ? {} : { by }),
  });
}
