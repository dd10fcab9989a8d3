/** The errors that say why a configuration has no value, or why its newest content cannot be used. */

import { RegistryError, type ConfigLayer } from '@rollcall/protocol';
import { formatOf } from './content.ts';

export function notReady(name: string): RegistryError {
  return new RegistryError('failed_precondition', `configuration ${name} has no content yet; await whenReady() first`);
}

/** Its content is a text in which the client cannot look for a key. */
export function unparsed(name: string, own: ConfigLayer): RegistryError {
  const what = `configuration ${name} is ${formatOf(own).toUpperCase()}, and the client has no parser for it`;
  return new RegistryError('failed_precondition', `${what}; give one with the first call, such as config('${name}', { parse: (text) => YAML.parse(text) }), or read the text in snapshot().content`);
}

/** What a parser or a validator has thrown. */
export function unusable(name: string, { release }: ConfigLayer, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RegistryError('invalid_argument', `${name}, release ${release}, cannot be used: ${message}`);
}
