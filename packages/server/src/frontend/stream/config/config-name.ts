/** The configuration that a view names. */

import { configNameParts, RegistryError, type FrameView } from '@rollcall/protocol';
import type { ConfigName } from '../../../registry/kind/config/resolve.ts';
import { namespaceOf } from '../../../net/view-items/view-namespace.ts';

/** @throws RegistryError `invalid_argument`; the check of frames lets no such name through */
export function configNameOf(view: Pick<FrameView, 'namespace' | 'name'>): ConfigName {
  const parts = configNameParts(view.name);
  if (parts === undefined) throw new RegistryError('invalid_argument', `configuration ${JSON.stringify(view.name)} must be APP/NAME`);
  return { namespace: namespaceOf(view), ...parts };
}
