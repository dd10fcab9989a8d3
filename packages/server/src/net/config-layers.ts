/**
 * What a request to a front end for configurations gets: the layers of a configuration, their contents as the caller may see them. The caller needs
 * the right to read each layer, also of public ones: a layer that is left out would change the values of others without a word.
 */

import type { ConfigReader } from '../registry/kind/config/given.ts';
import type { ConfigName, Layer } from '../registry/kind/config/resolve.ts';
import type { ReleaseRow } from '../registry/kind/config/rows.ts';
import type { Caller } from '../security/acl.ts';
import type { Context } from './frontend.ts';

export interface Asking {
  readonly context: Context;
  readonly caller: Caller;
}

/** @throws RegistryError `permission_denied` */
export function layersFor({ context, caller }: Asking, name: ConfigName, reader: ConfigReader): readonly Layer[] {
  const { configurations, security: { acl } } = context;
  acl.authorize(caller, name.namespace, 'config', 'read', rightsName(name));
  const { layers } = configurations.resolve(name, reader);
  for (const { row } of layers) if (row.app !== name.app || row.name !== name.name) acl.authorize(caller, row.namespace, 'config', 'read', rightsName(row));
  return layers;
}

export function mayReveal({ caller }: Asking, ref: ConfigName): boolean {
  return caller.authorizer.allows(ref.namespace, 'config-reveal', 'write', rightsName(ref));
}

/** The content with secrets in clear or masked. @throws RegistryError `failed_precondition` when the key of a secret is missing */
export function shownContent(asking: Asking, release: ReleaseRow): string {
  return asking.context.configurations.contents.shown(release, release.content, mayReveal(asking, release));
}

function rightsName({ app, name }: Pick<ConfigName, 'app' | 'name'>): string {
  return `${app}/${name}`;
}
