/** How the pages of configurations name one, and where the API of configurations has it. Its answers are described in `@rollcall/protocol`. */

import type { ConfigDetail, ConfigDraft } from '@rollcall/protocol';

export interface Ref {
  readonly environment: string;
  readonly app: string;
  readonly cluster: string;
  readonly name: string;
}

/** As it is asked for with `whole=true`. */
export interface WholeConfig extends Omit<ConfigDetail, 'draft'> {
  readonly draft?: ConfigDraft;
}

export const root = '/rollcall/v1/config';
export const defaultCluster = 'default';

/** A path of the API with the configuration that it is about. */
export function pathOf(path: string, { environment, app, cluster, name }: Ref, more: Readonly<Record<string, string>> = {}): string {
  return `${root}${path}?${new URLSearchParams({ environment, app, cluster, name, ...more })}`;
}

/** How people write it. */
export function titleOf({ app, name, cluster }: Pick<Ref, 'app' | 'name' | 'cluster'>): string {
  return `${app}/${name}${cluster === defaultCluster ? '' : ` @${cluster}`}`;
}

export function isSame(a: Ref, b: Ref): boolean {
  return a.environment === b.environment && a.app === b.app && a.name === b.name && a.cluster === b.cluster;
}
