/** Checks options where they are given: names, ranges of numbers, and functions. */

import { RegistryError, nearest } from '@rollcall/protocol';

/** @throws RegistryError `invalid_argument` unless `holds` */
export function checkRange(holds: boolean, option: string, value: number, wanted: string): void {
  if (!holds) throw new RegistryError('invalid_argument', `${option} is ${value}; it must be ${wanted}`);
}

/** @throws RegistryError `invalid_argument` unless the value is undefined, or a whole number of at least `min` */
export function checkWhole(value: number | undefined, min: number, option: string): void {
  if (value !== undefined) checkRange(Number.isSafeInteger(value) && value >= min, option, value, `a whole number, ${min} or more`);
}

/** A program without types may give anything. @throws RegistryError `invalid_argument` unless the value is undefined, or a function */
export function checkFunction(value: unknown, option: string, wanted: string): void {
  if (value === undefined || typeof value === 'function') return;
  throw new RegistryError('invalid_argument', `${option} is ${JSON.stringify(value)}; it must be ${wanted}`);
}

/** The names of an interface's options, each once: the compiler keeps them complete. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses misspelt options, which would otherwise have no effect.
 * @param where names the options object in the message
 * @throws RegistryError `invalid_argument` for an unknown option; the message names the nearest known one
 */
export function checkKnown(options: object, known: Readonly<Record<string, true>>, where: string): void {
  for (const name of Object.keys(options)) {
    if (known[name] === true) continue;
    const names = Object.keys(known);
    const meant = nearest(name, names);
    const hint = meant === undefined ? `it has ${names.join(', ') || 'none'}` : `did you mean ${meant}?`;
    throw new RegistryError('invalid_argument', `${where} has no option ${name}; ${hint}`);
  }
}
