/** Opens the store that the settings name. Loads the server's package when it is called, since few commands need it. */

import type { Engine, EmbeddedOptions } from '@rollcall/server';
import { usage } from '../failure.ts';
import { storeOf } from './engine.ts';
import type { Settings } from './table.ts';

/** Only an engine that is reached over a network has them. */
const ofEtcd = ['engineCaFile', 'engineCertFile', 'engineKeyFile', 'engineUser', 'enginePasswordFile'] as const;

/**
 * @param log told what the engine has to say
 * @throws CommandFailure `usage` when a setting is for another engine
 * @throws RegistryError as the engines do
 */
export async function openEngine(settings: Settings, log: NonNullable<EmbeddedOptions['log']>): Promise<Engine> {
  const { embedded, etcd, memory } = await import('@rollcall/server');
  const store = storeOf(settings);
  if (store.kind === 'etcd') return etcd({ urls: store.urls, prefix: settings.enginePrefix, ...etcdFiles(settings) });
  const unused = ofEtcd.find((key) => settings[key] !== undefined);
  if (unused !== undefined) throw usage(`${unused} is set, but the engine is ${store.kind}; name etcd with --engine etcd:URL`);
  return store.kind === 'memory' ? memory() : embedded({ dir: store.dir, log });
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
