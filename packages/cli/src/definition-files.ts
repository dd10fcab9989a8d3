/** Reads files with definitions of services as Consul's agent does, with the same checks. */

import { agentSettings } from './consul-agent.ts';
import { readConfigFiles } from './consul-agent-read.ts';
import type { Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';
import type { Terminal } from './terminal.ts';

/**
 * The services of all files, in their order, as bodies of `/v1/agent/service/register` with keys in lower case.
 * @throws CommandFailure `usage` for a file that cannot be read, is wrong, or defines no service
 */
export async function servicesIn(paths: readonly string[], { env }: Pick<Terminal, 'env'>): Promise<Values[]> {
  const { checkDefinitions, parseHcl } = await import('@rollcall/server');
  const { files } = readConfigFiles(paths.map((path) => ['config-file', path]));
  return files.flatMap((file) => {
    const input = { flags: [], files: [file], folder: process.cwd(), env, parseHcl, checkDefinitions };
    const { services } = agentSettings(input).definitions;
    if (services.length === 0) throw usage(`${file.path} defines no service: it has neither "service" nor "services"`);
    return services;
  });
}

/** The id under which a definition is registered: its own, or its name. */
export function idOf({ id, name }: Values): string {
  if (typeof id === 'string' && id !== '') return id;
  return typeof name === 'string' ? name : '';
}
