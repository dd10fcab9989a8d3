/** Opens the store that the settings name. Loads the server's package when it is called, since few commands need it. */

import type { Engine, EmbeddedOptions, FollowOptions } from '@rollcall/server';
import { usage } from '../failure.ts';
import { storeOf } from './engine.ts';
import type { Settings } from './table.ts';

/** Settings that only these engines have. */
const users = {
  engineCaFile: ['etcd', 'node'],
  engineCertFile: ['etcd'],
  engineKeyFile: ['etcd'],
  engineUser: ['etcd'],
  enginePasswordFile: ['etcd'],
  engineTokenFile: ['node'],
} as const satisfies Readonly<Partial<Record<keyof Settings, readonly string[]>>>;

/**
 * @param log gets the reports of the engine
 * @throws CommandFailure `usage` when a setting is for another engine
 * @throws RegistryError as the engines do
 */
export async function openEngine(settings: Settings, log: NonNullable<EmbeddedOptions['log'] & FollowOptions['log']>): Promise<Engine> {
  const { embedded, etcd, follow, memory } = await import('@rollcall/server');
  const store = storeOf(settings);
  for (const [key, kinds] of Object.entries(users) as [keyof typeof users, readonly string[]][]) {
    if (settings[key] === undefined || kinds.includes(store.kind)) continue;
    throw usage(`${key} is set, but the engine is ${store.kind}; name one that takes it with --engine ${kinds.map((kind) => `${kind}:URL`).join(' or ')}`);
  }
  switch (store.kind) {
    case 'etcd':
      return etcd({ urls: store.urls, prefix: settings.enginePrefix, ...etcdFiles(settings) });
    case 'node':
      return follow({ url: store.url, unsafeAllowPlaintext: settings.unsafeAllowPlaintext, log, ...followFiles(settings) });
    case 'memory':
      return memory();
    case 'embedded':
      return embedded({ dir: store.dir, log });
  }
}

function followFiles({ engineCaFile: caFile, engineTokenFile: tokenFile }: Settings) {
  return { ...(caFile === undefined ? {} : { caFile }), ...(tokenFile === undefined ? {} : { tokenFile }) };
}

function etcdFiles({ engineCaFile: caFile, engineCertFile: certFile, engineKeyFile: keyFile, engineUser: user, enginePasswordFile: passwordFile }: Settings) {
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  };
}
