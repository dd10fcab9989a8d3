/** Copies namespaces of apps from Apollo's config service; each becomes a configuration with what Apollo's clients get. */

import { formatOfName, printProperties } from '@rollcall/protocol';
import { eachOf, Refusal, type HttpApi } from '../import/http-api.ts';
import { Unwanted, type ImportRun } from '../import/run.ts';
import type { ApolloApi, ApolloConfig, ApolloPlace } from './apollo-api.ts';

export const kinds = ['configurations'] as const;
export type ApolloRun = ImportRun<HttpApi, (typeof kinds)[number]>;

export interface ApolloImport {
  readonly source: ApolloApi;
  readonly places: readonly ApolloPlace[];
  /** Whether other apps may read them. */
  readonly isPublic: boolean;
  /** Of every request to the registry: the environment, and who asks. */
  readonly query: Readonly<Record<string, string>>;
}

/** Namespaces that are read and written at the same time. */
const atOnce = 8;

export async function importApollo(run: ApolloRun, { source, places, isPublic, query }: ApolloImport): Promise<void> {
  await eachOf(places, atOnce, async (place) => {
    const { app, cluster, namespace } = place;
    await run.copy('configurations', `${app}/${cluster}/${namespace}`, async () => {
      const found = await source.config(place);
      if (found === undefined) throw new Refusal(404, 'Apollo has no such namespace, or it was never released');
      // Apollo looks in the cluster, and then in `default`.
      if (found.cluster.toLowerCase() !== cluster.toLowerCase()) throw new Unwanted(`the cluster has no release of its own; it gets that of the cluster ${found.cluster}`);
      if (found.releaseKey.includes('+')) throw new Mixed();
      const { name, ...content } = configurationOf(namespace, found);
      const settings = isPublic ? { settings: { visibility: 'public' } } : {};
      const message = `from Apollo, release ${found.releaseKey}`.slice(0, messageMax);
      await run.write('POST', `/rollcall/v1/config/publish?${new URLSearchParams({ ...query, app, cluster, name }).toString()}`, { ...content, message, ...settings });
    });
  });
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
export function configurationOf(namespace: string, { configurations }: Pick<ApolloConfig, 'configurations'>): { readonly name: string; readonly content: string; readonly format?: string } {
  const stem = namespace.replace(/\.properties$/i, '');
  const isXml = /\.xml$/i.test(stem);
  const format = isXml ? 'text' : formatOfName(stem);
  if (format === undefined || format === 'properties') return { name: `${stem}.properties`, content: printProperties(Object.entries(configurations)), format: 'properties' };
  return { name: namespace, content: configurations['content'] ?? '', format };
}
