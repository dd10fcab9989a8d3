/** `rollcall import apollo`: copies namespaces of an Apollo, from its config service or an archive. The copying itself is in `apollo-import/`. */

import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import { ApolloApi } from '../apollo-import/apollo-api.ts';
import { importApollo, importArchive, kinds } from '../apollo-import/import-apollo.ts';
import { namespacesIn } from '../apollo-import/portal-archive.ts';
import type { CommandContext } from '../command-context.ts';
import { credentialsOf } from '../credentials.ts';
import { addExamples } from '../examples.ts';
import { exitCodes, usage } from '../failure.ts';
import { HttpApi } from '../import/http-api.ts';
import type { ImportReport } from '../import/report.ts';
import { ImportRun } from '../import/run.ts';
import { show, sourceUrl } from '../import/source.ts';
import { collect } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { readZip } from '../zip-file.ts';

interface Flags extends RegistryFlags {
  readonly from?: string;
  readonly env?: string;
  readonly app: readonly string[];
  readonly cluster: readonly string[];
  readonly apolloNamespace: readonly string[];
  readonly public?: true;
  readonly by?: string;
  readonly confirm?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addImportApollo(parent: Command, { terminal, setExitCode }: CommandContext): void {
  const command = parent
    .command('apollo')
    .description('copy the namespaces of an Apollo: each becomes a configuration. They come from an archive of its portal, or from its config service')
    .argument('[file.zip]', 'the archive that the portal exports; it has what is being edited, released or not')
    .option('--from <url>', 'URL of the config service, which has what is released; requests are signed with APOLLO_ACCESS_KEY_SECRET')
    .option('--env <name>', 'environment of the archive; needed when it has several')
    .option('--app <id>', 'id of an app; may be repeated; all of the archive when not given, and needed with --from', collect, [])
    .option('--cluster <name>', 'a cluster; may be repeated; with --from default when not given', collect, [])
    .option('--apollo-namespace <name>', 'a namespace of the apps; may be repeated; with --from application when not given', collect, [])
    .option('--public', 'with --from: other apps may read them, as public namespaces')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--dry-run', 'read everything, check it, and write nothing')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given')
    .option('--json', 'print the result as JSON');
  addExamples(
    addNamespacedOptions(command),
    'rollcall import apollo apollo_config_export.zip --env PRO',
    'rollcall import apollo --from http://apollo.example:8080 --app orders --app shop --apollo-namespace application --apollo-namespace features.yml',
  );
  command.action(async (file: string | undefined, flags: Flags) => {
    checkSource(file, flags);
    const isComplete = file === undefined ? await fromService(flags, terminal) : await fromArchive(file, flags, terminal);
    if (!isComplete) setExitCode(exitCodes.failure);
  });
}

/** @throws CommandFailure `usage` */
function checkSource(file: string | undefined, { from, env, app, public: isPublic }: Flags): void {
  if ((file === undefined) === (from === undefined)) throw usage('name either FILE.zip, an archive of Apollo\'s portal, or a config service with --from');
  if (file === undefined && env !== undefined) throw usage('--env is for an archive: a config service has one environment');
  if (file === undefined && app.length === 0) throw usage('name at least one app with --app; Apollo does not list them without a token of its portal');
  if (file !== undefined && isPublic === true) throw usage('--public is for --from: the archive says which namespaces are public');
}

/** @returns whether everything was copied */
async function fromArchive(file: string, flags: Flags, terminal: Terminal): Promise<boolean> {
  const all = namespacesIn(await readZip(file));
  const wanted = all.filter((each) => isNamed(flags.app, each.app) && isNamed(flags.cluster, each.cluster) && isNamed(flags.apolloNamespace, each.namespace) && (flags.env ?? each.env) === each.env);
  const envs = named(wanted.map(({ env }) => env), []);
  if (envs.length > 1) throw usage(`the archive has the environments ${envs.join(', ')}; choose one with --env`);
  if (wanted.length === 0) throw usage(`the archive has no such namespace; it has the environments ${named(all.map(({ env }) => env), []).join(', ')}, and the apps ${named(all.map(({ app }) => app), []).slice(0, 20).join(', ')}`);
  const { to, query } = await targetOf(flags, terminal);
  try {
    const run = new ImportRun<HttpApi, (typeof kinds)[number]>({ from: to, to, dryRun: flags.dryRun === true, kinds });
    await importArchive(run, wanted, { query, confirmed: flags.confirm === true });
    return tell(run.report, flags, terminal, 'gray releases, history, comments, users and rights');
  } finally {
    to.close();
  }
}

/** @returns whether everything was copied */
async function fromService({ from = '', ...flags }: Flags, terminal: Terminal): Promise<boolean> {
  const { to, query } = await targetOf(flags, terminal);
  const { APOLLO_ACCESS_KEY_SECRET: secret, APOLLO_CACERT: caFile } = terminal.env;
  const { tls } = await credentialsOf({}, { env: { ROLLCALL_CA_FILE: caFile } });
  const source = new ApolloApi({ url: sourceUrl(from), credentials: { tls }, secret, now: Date.now });
  const places = named(flags.app, []).flatMap((app) =>
    named(flags.cluster, ['default']).flatMap((cluster) => named(flags.apolloNamespace, ['application']).map((each) => ({ app, cluster, namespace: each }))),
  );
  try {
    const run = new ImportRun<HttpApi, (typeof kinds)[number]>({ from: source, to, dryRun: flags.dryRun === true, kinds });
    await importApollo(run, { source, places, isPublic: flags.public === true, publishing: { query, confirmed: flags.confirm === true } });
    return tell(run.report, flags, terminal, 'gray releases, history, comments, items that are not released, users and rights');
  } finally {
    source.close();
    to.close();
  }
}

/** The registry, and what every request to it names. */
async function targetOf(flags: Omit<Flags, 'from'>, terminal: Terminal): Promise<{ readonly to: HttpApi; readonly query: Readonly<Record<string, string>> }> {
  const { servers, credentials, namespace } = await namespacedTargetOf(flags, terminal);
  const { token } = credentials;
  const to = new HttpApi({ url: servers[0] ?? '', credentials, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } });
  const { by = terminal.env['USER'] } = flags;
  return { to, query: { ...(namespace === undefined ? {} : { environment: namespace }), ...(by === undefined ? {} : { by }) } };
}

/** @param never what an import from there never copies @returns whether everything was copied */
function tell(report: ImportReport, { json, dryRun }: Pick<Flags, 'json' | 'dryRun'>, terminal: Terminal, never: string): boolean {
  if (json === true) printJson(terminal, report.json);
  else show(report, { terminal, dryRun: dryRun === true, never });
  return report.failed.length === 0;
}

function isNamed(given: readonly string[], name: string): boolean {
  return given.length === 0 || given.includes(name);
}

/** Each once. */
function named(given: readonly string[], otherwise: readonly string[]): readonly string[] {
  return [...new Set(given.length === 0 ? otherwise : given)];
}
