/**
 * Record keys and buckets of configurations. The cluster `default` is left out of a key: configurations had no cluster in
 * records of format 1, which keep their keys.
 */

import type { ConfigRef } from './rows.ts';

export const defaultCluster = 'default';

const last = ({ cluster, name }: Pick<ConfigRef, 'cluster' | 'name'>) => (cluster === defaultCluster ? name : `${name}\0${cluster}`);

/** Where the keys begin that show configurations, if the server shows them as keys. */
export const shownKeysFolder = 'config/';

/** The configuration that the key `config/APP/NAME` shows. An app has no slash; a name may have some. */
export function configOfShownKey(namespace: string, key: string): ConfigRef | undefined {
  if (!key.startsWith(shownKeysFolder)) return undefined;
  const slash = key.indexOf('/', shownKeysFolder.length);
  if (slash <= shownKeysFolder.length || slash === key.length - 1) return undefined;
  return { namespace, app: key.slice(shownKeysFolder.length, slash), cluster: defaultCluster, name: key.slice(slash + 1) };
}

export const configKey = (ref: ConfigRef) => `config\0${ref.namespace}\0${ref.app}\0${last(ref)}`;
export const releaseKey = (ref: ConfigRef, number: number) => `config-release\0${ref.namespace}\0${ref.app}\0${number}\0${last(ref)}`;

export const draftKey = (ref: ConfigRef) => `config-draft\0${ref.namespace}\0${ref.app}\0${last(ref)}`;
export const proposalKey = (ref: ConfigRef, number: number) => `config-proposal\0${ref.namespace}\0${ref.app}\0${number}\0${last(ref)}`;
export const failureKey = (ref: ConfigRef, release: number, instance: string, lost?: 'with' | 'without') =>
  `config-failure\0${ref.namespace}\0${ref.app}\0${ref.cluster}\0${ref.name}\0${release}\0${instance}${lost === undefined ? '' : `\0${lost}`}`;
export const environmentKey = (namespace: string) => `config-environment\0${namespace}`;
export const environmentStepKey = (namespace: string, number: number) => `config-environment-step\0${namespace}\0${number}`;

export const configBuckets = {
  inNamespace: (namespace: string) => `configs\0${namespace}`,
  /** All drafts, all proposals. */
  drafts: (namespace: string) => `config-drafts\0${namespace}`,
  proposals: (namespace: string) => `config-proposals\0${namespace}`,
  /** Open proposals with a time, of all namespaces. */
  scheduled: 'config-scheduled',
  environments: 'config-environments',
  /** Changes of the rules of one environment. */
  environmentSteps: (namespace: string) => `config-environment-steps\0${namespace}`,
  /** Configurations with a rollout that goes forward by itself, of all namespaces. */
  staged: 'config-staged',
  failures: (ref: ConfigRef) => `config-failures\0${ref.namespace}\0${ref.app}\0${last(ref)}`,
  /** Those whose names have capitals, by the name in small letters: of an app, and those that other apps may read. Others are found by their names. */
  folded: (namespace: string, app: string, lower: string) => `configs-folded\0${namespace}\0${app}\0${lower}`,
  publicFolded: (namespace: string, lower: string) => `configs-public-folded\0${namespace}\0${lower}`,
  /** Those that other apps may read, by name. */
  public: (namespace: string, name: string) => `configs-public\0${namespace}\0${name}`,
} as const;
