/** Copies namespaces of apps from Apollo's config service, or from the archive of its portal; each becomes a configuration. */

import { formatOfName, printProperties, type ConfigVerdict } from '@rollcall/protocol';
import { eachOf, Refusal, type HttpApi } from '../import/http-api.ts';
import { Unwanted, type ImportRun } from '../import/run.ts';
import type { ApolloApi, ApolloConfig, ApolloPlace } from './apollo-api.ts';
import type { ArchivedNamespace } from './portal-archive.ts';

export const kinds = ['configurations'] as const;
export type ApolloRun = ImportRun<HttpApi, (typeof kinds)[number]>;

/** Of every request to the registry: the environment, and who asks. */
type Query = Readonly<Record<string, string>>;

/** How configurations are published. */
export interface Publishing {
  readonly query: Query;
  /** Content that is emptied or halved is meant. */
  readonly confirmed: boolean;
}

export interface ApolloImport {
  readonly source: ApolloApi;
  readonly places: readonly ApolloPlace[];
  /** Whether other apps may read them. */
  readonly isPublic: boolean;
  readonly publishing: Publishing;
}

/** Namespaces that are read and written at the same time. */
const atOnce = 8;

export async function importApollo(run: ApolloRun, { source, places, isPublic, publishing }: ApolloImport): Promise<void> {
  await eachOf(places, atOnce, async (place) => {
    const { cluster } = place;
    await run.copy('configurations', nameOf(place), async () => {
      const found = await source.config(place);
      if (found === undefined) throw new Refusal(404, 'Apollo has no such namespace, or it was never released');
      // Apollo looks in the cluster, and then in `default`.
      if (found.cluster.toLowerCase() !== cluster.toLowerCase()) throw new Unwanted(`the cluster has no release of its own; it gets that of the cluster ${found.cluster}`);
      if (found.releaseKey.includes('+')) throw new Mixed();
      await publish(run, { ...place, configurations: found.configurations, isPublic, message: `from Apollo, release ${found.releaseKey}` }, publishing);
    });
  });
}

/** Copies what the portal has exported. */
export async function importArchive(run: ApolloRun, namespaces: readonly ArchivedNamespace[], publishing: Publishing): Promise<void> {
  await eachOf(namespaces, atOnce, async (namespace) => {
    await run.copy('configurations', nameOf(namespace), async () => {
      const { configurations, env, fault } = namespace;
      if (fault !== undefined) throw new Refusal(200, `the archive has no properties in it: ${fault}`);
      if (configurations === undefined) throw new Unwanted('it has no items');
      await publish(run, { ...namespace, configurations, message: `from the archive of an Apollo, environment ${env}` }, publishing);
    });
  });
}

function nameOf({ app, cluster, namespace }: ApolloPlace): string {
  return `${app}/${cluster}/${namespace}`;
}

type Published = ApolloPlace & Pick<ApolloConfig, 'configurations'> & { readonly isPublic: boolean; readonly message: string };

async function publish(run: ApolloRun, { app, cluster, namespace, configurations, isPublic, message }: Published, { query, confirmed }: Publishing): Promise<void> {
  const { name, ...content } = configurationOf(namespace, { configurations });
  const settings = isPublic ? { settings: { visibility: 'public' } } : {};
  const of = new URLSearchParams({ ...query, app, cluster, name }).toString();
  if (run.isDry) await assertAccepted(run, of, content, confirmed);
  await run.write('POST', `/rollcall/v1/config/publish?${of}`, { ...content, message: message.slice(0, messageMax), ...settings, ...(confirmed ? { confirmed } : {}) });
}

/** What the registry would say to the content. @throws Refusal */
async function assertAccepted(run: ApolloRun, of: string, { content, format }: { readonly content: string; readonly format?: string }, confirmed: boolean): Promise<void> {
  const verdict = JSON.parse(await run.to.text('POST', `/rollcall/v1/config/check?${of}`, JSON.stringify({ content, ...(format === undefined ? {} : { format }), publishing: true }))) as ConfigVerdict;
  const fault = verdict.faults[0] ?? verdict.refusals.find(({ reason }) => !(confirmed && reason === 'loss'));
  if (fault !== undefined) throw new Refusal(412, `${fault.message}${'reason' in fault && fault.reason === 'loss' ? '; confirm it with --confirm if that is meant' : ''}`);
}

/** The values of the app alone cannot be told from an answer that mixes both. */
class Mixed extends Refusal {
  constructor() {
    super(200, 'its values are mixed with those of the public namespace of another app; copy that from its own app with --public, and publish what this app has by hand');
  }
}

/** As the registry limits a message. */
const messageMax = 2_048;

/** A namespace without the ending of another format has keys, and is a properties file. */
function configurationOf(namespace: string, { configurations }: Pick<ApolloConfig, 'configurations'>): { readonly name: string; readonly content: string; readonly format?: string } {
  const stem = namespace.replace(/\.properties$/i, '');
  const isXml = /\.xml$/i.test(stem);
  const format = isXml ? 'text' : formatOfName(stem);
  if (format === undefined || format === 'properties') return { name: `${stem}.properties`, content: printProperties(Object.entries(configurations)), format: 'properties' };
  return { name: namespace, content: configurations['content'] ?? '', format };
}
