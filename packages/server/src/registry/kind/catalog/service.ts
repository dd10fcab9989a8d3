/** Decisions about the record of a service. */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import type { ServiceDelete, ServicePut } from './commands.ts';
import { serviceKey } from './keys.ts';
import type { ServiceRow } from './rows.ts';

/** @throws RegistryError `invalid_argument` for a threshold that is no share */
export function putService(draft: Draft, { namespace, name, meta = {}, protectThreshold = 0, foreign }: ServicePut): boolean {
  if (!(protectThreshold >= 0 && protectThreshold <= 1)) {
    throw new RegistryError('invalid_argument', `protectThreshold is ${protectThreshold}, it must be from 0 to 1`);
  }
  const kept = foreign === undefined ? {} : { foreign };
  draft.put<ServiceRow>({ kind: 'service', namespace, name, meta, protectThreshold, ...kept, created: 0, modified: 0 });
  return true;
}

/** @returns false when there is no such record */
export function deleteService(draft: Draft, { namespace, name }: ServiceDelete): boolean {
  return draft.delete(serviceKey(namespace, name));
}
