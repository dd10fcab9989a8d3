/** `rollcall import nacos`: copies the content of a Nacos into a registry. The copying itself is in `nacos-import/`. */

import type { Command } from 'commander';
import { targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { credentialsOf } from '../credentials.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { Refusal } from '../import/http-api.ts';
import { ImportRun } from '../import/run.ts';
import { show, sourceUrl } from '../import/source.ts';
import { importNacos } from '../nacos-import/import-nacos.ts';
import { kinds, logIn, NacosApi } from '../nacos-import/nacos-api.ts';
import { sourceOf } from '../nacos-import/source.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { printJson, type Terminal } from '../terminal.ts';

interface Flags extends RegistryFlags {
  readonly from: string;
  readonly ephemeral?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addImportNacos(parent: Command, { terminal, setExitCode }: CommandContext): void {
  const command = parent
    .command('nacos')
    .description('copy namespaces, configurations, services and persistent instances from a Nacos')
    .requiredOption('--from <url>', 'URL of the Nacos; it is read with NACOS_USERNAME and NACOS_PASSWORD')
    .option('--ephemeral', 'also copy instances that their clients keep alive; they stay for as long as they live without a heartbeat')
    .option('--dry-run', 'read everything and write nothing')
    .option('--json', 'print the result as JSON');
  addRegistryOptions(command).action(async (flags: Flags) => {
    if (!(await importAll(flags, terminal))) setExitCode(exitCodes.failure);
  });
}

/** @returns whether everything was copied */
async function importAll(flags: Flags, terminal: Terminal): Promise<boolean> {
  const { servers, credentials } = await targetOf(flags, terminal);
  // Users know the URL of the console, which has the path.
  const url = sourceUrl(flags.from.replace(/\/nacos\/?$/, ''));
  const { NACOS_USERNAME: username, NACOS_PASSWORD: password, NACOS_CACERT: caFile } = terminal.env;
  const { tls } = await credentialsOf({}, { env: { ROLLCALL_CA_FILE: caFile } });
  const to = new NacosApi({ url: servers[0] ?? '', credentials });
  const opened: NacosApi[] = [to];
  const open = (token: string | undefined): NacosApi => {
    const api = new NacosApi({ url, credentials: { tls, token } });
    opened.push(api);
    return api;
  };
  try {
    const token = username === undefined || password === undefined ? undefined : await logIn(open(undefined), username, password);
    const from = open(token);
    const run = new ImportRun({ from, to, dryRun: flags.dryRun === true, kinds });
    await importNacos(run, { source: await sourceOf(from), ephemeral: flags.ephemeral === true });
    if (flags.json === true) printJson(terminal, run.report.json);
    else show(run.report, { terminal, dryRun: flags.dryRun === true, never: 'users, roles, history, gray releases by tag, and what clients keep alive (see --ephemeral)' });
    return run.report.failed.length === 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new CommandFailure(exitCodes.failure, `the Nacos at ${url}, or the registry at ${to.url}, refused a question that the import needs: ${error.message}`, { cause: error });
  } finally {
    for (const api of opened) api.close();
  }
}
