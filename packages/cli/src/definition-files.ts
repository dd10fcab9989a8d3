/** Files with definitions of services, as Consul's agent reads them: HCL or JSON, by the end of their names. */

import { readFile } from 'node:fs/promises';
import { definitionsOf } from './consul-agent-definitions.ts';
import { formatOf, parseFile } from './consul-agent-files.ts';
import type { Values } from './consul-agent-values.ts';
import { CommandFailure, exitCodes, usage } from './failure.ts';

/**
 * The services of all files, in their order, as bodies of `/v1/agent/service/register` with keys in lower case.
 * @throws CommandFailure `failure` for a file that cannot be read; `usage` for one that is wrong, or defines no service
 */
export async function servicesIn(files: readonly string[]): Promise<Values[]> {
  const { parseHcl } = await import('@rollcall/server');
  const services: Values[] = [];
  for (const path of files) {
    const format = formatOf(path);
    if (format === undefined) throw usage(`${path} ends in neither .hcl nor .json, so its format is unknown`);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new CommandFailure(exitCodes.failure, `cannot read ${path}: ${(error as Error).message}`, { cause: error });
    });
    const found = definitionsOf(parseFile({ path, format, text }, parseHcl)).services;
    if (found.length === 0) throw usage(`${path} defines no service: it has neither "service" nor "services"`);
    services.push(...found);
  }
  return services;
}

/** The id under which a definition is registered: its own, or its name. */
export function idOf({ id, name }: Values): string {
  if (typeof id === 'string' && id !== '') return id;
  return typeof name === 'string' ? name : '';
}
