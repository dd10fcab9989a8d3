/** Converts a value of an expression to the type of the field, as Go's `strconv` does. */

import { RegistryError } from '@rollcall/protocol';
import { quote } from './go-string.ts';
import type { Shape } from './shape.ts';

export type Coerced = string | number | bigint | boolean;

/** @throws RegistryError `invalid_argument` with the words of `strconv` */
export function coerce(raw: string, shape: Shape): Coerced {
  switch (shape.kind) {
    case 'boolean':
      return parseBoolean(raw);
    case 'integer':
      return parseInteger(raw, shape.bits, shape.signed);
    case 'float':
      return parseFloating(raw);
    default:
      return raw;
  }
}

/** Whether a field has the wanted value; numbers may be `number` or `bigint`. */
export function equals(value: unknown, wanted: Coerced): boolean {
  if (typeof wanted !== 'bigint' || typeof value === 'bigint') return value === wanted;
  return typeof value === 'number' && Number.isInteger(value) && BigInt(value) === wanted;
}

const booleans: Readonly<Record<string, boolean>> = {
  ...{ '1': true, t: true, T: true, TRUE: true, true: true, True: true },
  ...{ '0': false, f: false, F: false, FALSE: false, false: false, False: false },
};

function parseBoolean(raw: string): boolean {
  const value = Object.hasOwn(booleans, raw) ? booleans[raw] : undefined;
  if (value === undefined) throw failure('ParseBool', raw, 'invalid syntax');
  return value;
}

/** Base by prefix, and underscores between digits, as `strconv.ParseInt(raw, 0, bits)`. */
const integerForm = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;

function parseInteger(raw: string, bits: number, signed: boolean): bigint {
  const name = signed ? 'ParseInt' : 'ParseUint';
  const match = integerForm.exec(raw);
  if (match === null || (!signed && match[1] !== '')) throw failure(name, raw, 'invalid syntax');
  const digits = (match[2] ?? '').replaceAll('_', '').replace(/^0(?=[0-7])/, '0o');
  const value = match[1] === '-' ? -BigInt(digits) : BigInt(digits);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (value < low || value > high) throw failure(name, raw, 'value out of range');
  return value;
}

const floatForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function parseFloating(raw: string): number {
  if (!floatForm.test(raw)) throw failure('ParseFloat', raw, 'invalid syntax');
  const value = Number(raw);
  if (!Number.isFinite(value)) throw failure('ParseFloat', raw, 'value out of range');
  return value;
}

function failure(name: string, raw: string, what: string): RegistryError {
  return new RegistryError('invalid_argument', `strconv.${name}: parsing ${quote(raw)}: ${what}`);
}
