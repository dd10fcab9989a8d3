/** The check of options: a value out of its range is refused where it is given. */

import { RegistryError } from '@rollcall/protocol';

/** @throws RegistryError `invalid_argument` unless `holds` */
export function demand(holds: boolean, option: string, value: number, wanted: string): void {
  if (!holds) throw new RegistryError('invalid_argument', `${option} is ${value}; it must be ${wanted}`);
}
