/** `rollcall import apollo`: copies namespaces of an Apollo. The copying itself is in `apollo-import/`. */

import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import { ApolloApi } from '../apollo-import/apollo-api.ts';
import { importApollo, kinds } from '../apollo-import/import-apollo.ts';
import type { CommandContext } from '../command-context.ts';
import { credentialsOf } from '../credentials.ts';
import { addExamples } from '../examples.ts';
import { exitCodes, usage } from '../failure.ts';
import { HttpApi } from '../import/http-api.ts';
import { ImportRun } from '../import/run.ts';
import { show, sourceUrl } from '../import/source.ts';
import { collect } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printJson, type Terminal } from '../terminal.ts';

interface Flags extends RegistryFlags {
  readonly from: string;
  readonly app: readonly string[];
  readonly cluster: readonly string[];
  readonly apolloNamespace: readonly string[];
  readonly public?: true;
  readonly by?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addImportApollo(parent: Command, { terminal, setExitCode }: CommandContext): void {
  const command = parent
    .command('apollo')
    .description('copy what the clients of an Apollo get: each namespace of each app becomes a configuration')
    .requiredOption('--from <url>', 'URL of the config service; requests are signed with APOLLO_ACCESS_KEY_SECRET')
    .option('--app <id>', 'id of an app, at least one; may be repeated', collect, [])
    .option('--cluster <name>', 'a cluster; may be repeated; default when not given', collect, [])
    .option('--apollo-namespace <name>', 'a namespace of the apps; may be repeated; application when not given', collect, [])
    .option('--public', 'other apps may read them, as public namespaces')
    .option('--dry-run', 'read everything and write nothing')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given')
    .option('--json', 'print the result as JSON');
  addExamples(addNamespacedOptions(command), 'rollcall import apollo --from http://apollo.example:8080 --app orders --app shop --apollo-namespace application --apollo-namespace features.yml');
  command.action(async (flags: Flags) => {
    if (flags.app.length === 0) throw usage('name at least one app with --app; Apollo does not list them without a token of its portal');
    if (!(await importAll(flags, terminal))) setExitCode(exitCodes.failure);
  });
}

/** @returns whether everything was copied */
async function importAll(flags: Flags, terminal: Terminal): Promise<boolean> {
  const { servers, credentials, namespace } = await namespacedTargetOf(flags, terminal);
  const { APOLLO_ACCESS_KEY_SECRET: secret, APOLLO_CACERT: caFile, USER: user } = terminal.env;
  const { tls } = await credentialsOf({}, { env: { ROLLCALL_CA_FILE: caFile } });
  const source = new ApolloApi({ url: sourceUrl(flags.from), credentials: { tls }, secret, now: Date.now });
  const { token } = credentials;
  const to = new HttpApi({ url: servers[0] ?? '', credentials, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
  const { by = user, public: isPublic = false } = flags;
  const query = { ...(namespace === undefined ? {} : { environment: namespace }), ...(by === undefined ? {} : { by }) };
  const places = named(flags.app, []).flatMap((app) =>
    named(flags.cluster, ['default']).flatMap((cluster) => named(flags.apolloNamespace, ['application']).map((each) => ({ app, cluster, namespace: each }))),
  );
  try {
    const run = new ImportRun<HttpApi, (typeof kinds)[number]>({ from: source, to, dryRun: flags.dryRun === true, kinds });
    await importApollo(run, { source, places, isPublic, query });
    if (flags.json === true) printJson(terminal, run.report.json);
    else show(run.report, { terminal, dryRun: flags.dryRun === true, never: 'gray releases, history, comments, items that are not released, users and rights' });
    return run.report.failed.length === 0;
  } finally {
    source.close();
    to.close();
  }
}

/** Each once. */
function named(given: readonly string[], otherwise: readonly string[]): readonly string[] {
  return [...new Set(given.length === 0 ? otherwise : given)];
}
