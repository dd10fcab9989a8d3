/** `rollcall import consul`: copies the content of a Consul into a registry. The copying itself is in `consul-import/`. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { ConsulApi, kinds } from '../consul-import/consul-api.ts';
import { importAccess } from '../consul-import/import-access.ts';
import { importCatalog } from '../consul-import/import-catalog.ts';
import { importKeys } from '../consul-import/import-keys.ts';
import { importQueries } from '../consul-import/import-queries.ts';
import { credentialsOf } from '../credentials.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { Refusal } from '../import/http-api.ts';
import { ImportRun } from '../import/run.ts';
import { show, sourceUrl } from '../import/source.ts';
import { addNamespacedOptions, namespaceOf, type RegistryFlags } from '../servers.ts';
import { printJson, type Terminal } from '../terminal.ts';

interface Flags extends RegistryFlags {
  readonly from: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Environment variables of Consul's command line, by the names of our options. */
const sourceVariables = {
  ROLLCALL_TOKEN: 'CONSUL_HTTP_TOKEN',
  ROLLCALL_TOKEN_FILE: 'CONSUL_HTTP_TOKEN_FILE',
  ROLLCALL_CA_FILE: 'CONSUL_CACERT',
  ROLLCALL_CERT_FILE: 'CONSUL_CLIENT_CERT',
  ROLLCALL_KEY_FILE: 'CONSUL_CLIENT_KEY',
  ROLLCALL_TLS_SERVER_NAME: 'CONSUL_TLS_SERVER_NAME',
} as const;

export function addImportConsul(parent: Command, { terminal, setExitCode }: CommandContext): void {
  const command = parent
    .command('consul')
    .description('copy nodes, services, checks, keys, access control and prepared queries from a Consul')
    .requiredOption('--from <url>', 'URL of the Consul; it is read with CONSUL_HTTP_TOKEN, CONSUL_NAMESPACE …')
    .option('--dry-run', 'read everything and write nothing')
    .option('--json', 'print the result as JSON');
  addNamespacedOptions(command).action(async (flags: Flags) => {
    if (!(await importConsul(flags, terminal))) setExitCode(exitCodes.failure);
  });
}

/** @returns whether everything was copied */
async function importConsul(flags: Flags, terminal: Terminal): Promise<boolean> {
  const sourceEnv = Object.fromEntries(Object.entries(sourceVariables).map(([own, theirs]) => [own, terminal.env[theirs]]));
  const { servers, credentials, namespace = defaultNamespace } = await namespacedTargetOf(flags, terminal);
  const sourceNamespace = namespaceOf({}, terminal.env, 'CONSUL_NAMESPACE');
  const from = new ConsulApi({ url: sourceUrl(flags.from), credentials: await credentialsOf({}, { env: sourceEnv }), namespace: sourceNamespace });
  const to = new ConsulApi({ url: servers[0] ?? '', credentials, namespace });
  await requireNamespace(to);
  const run = new ImportRun({ from, to, dryRun: flags.dryRun === true, kinds });
  for (const [what, copy] of [
    ['the catalog', importCatalog],
    ['keys', importKeys],
    ['access control', importAccess],
    ['prepared queries', importQueries],
  ] as const) {
    await copy(run).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      throw new CommandFailure(exitCodes.failure, `${what} cannot be listed: ${error.message}`, { cause: error });
    });
  }
  for (const api of [from, to]) api.close();
  if (flags.json === true) printJson(terminal, run.report.json);
  else show(run.report, { terminal, dryRun: flags.dryRun === true, never: 'sessions and the locks they hold, events, coordinates, intentions and configuration entries' });
  return run.report.failed.length === 0;
}

/** Checks that the namespace exists; otherwise every write would fail. @throws CommandFailure `notFound` */
async function requireNamespace(to: ConsulApi): Promise<void> {
  const { namespace, url } = to;
  if (namespace === defaultNamespace) return;
  const found = await to.find(`/v1/namespace/${namespace}`).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
    throw new CommandFailure(exitCodes.failure, `namespace ${namespace} cannot be read: ${error.message}`, { cause: error });
  });
  if (found !== undefined) return;
  throw new CommandFailure(exitCodes.notFound, `${url} has no namespace ${namespace}; create it with "rollcall namespaces create ${namespace}"`);
}
