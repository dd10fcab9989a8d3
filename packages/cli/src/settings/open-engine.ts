/** Opens a store with the settings for it. Loads the server's package when it is called, since few commands need it. */

import type { ErrorCode } from '@rollcall/protocol';
import type { Engine, EmbeddedOptions, FollowOptions } from '@rollcall/server';
import { usage } from '../failure.ts';
import type { EngineSetting } from './engine.ts';
import type { Settings } from './table.ts';

/** Settings that only these engines have. */
const users = {
  engineCaFile: ['etcd', 'node'],
  engineCertFile: ['etcd'],
  engineKeyFile: ['etcd'],
  engineUser: ['etcd'],
  enginePasswordFile: ['etcd'],
  engineRestored: ['etcd'],
  engineTokenFile: ['node'],
} as const satisfies Readonly<Partial<Record<keyof Settings, readonly string[]>>>;

/** Settings of etcd. */
export const etcdSettings = ['enginePrefix', 'engineCaFile', 'engineCertFile', 'engineKeyFile', 'engineUser', 'enginePasswordFile'] as const;

/** Codes of errors for a store that cannot be opened. */
export const storeRefusals: readonly ErrorCode[] = ['failed_precondition', 'resource_exhausted', 'unavailable'];

/** @throws CommandFailure `usage` when a setting is for another engine than these */
export function assertUsed(settings: Settings, stores: readonly EngineSetting[]): void {
  for (const [key, kinds] of Object.entries(users) as [keyof typeof users, readonly string[]][]) {
    if (settings[key] === undefined || settings[key] === false || stores.some(({ kind }) => kinds.includes(kind))) continue;
    const engines = stores.map(({ kind }) => kind).join(' and ');
    throw usage(`${key} is set, but the engine is ${engines}; name one that takes it with ${kinds.map((kind) => `${kind}:URL`).join(' or ')}`);
  }
}

/**
 * @param settings of another engine are ignored
 * @param log gets the reports of the engine
 * @throws RegistryError as the engines do
 */
export async function openEngine(
  store: EngineSetting,
  settings: Settings,
  log: NonNullable<EmbeddedOptions['log'] & FollowOptions['log']>,
): Promise<Engine> {
  const { embedded, etcd, follow, memory } = await import('@rollcall/server');
  switch (store.kind) {
    case 'etcd':
      return etcd({ urls: store.urls, prefix: settings.enginePrefix, restored: settings.engineRestored, ...etcdFiles(settings) });
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
