/**
 * Reads the JSON body of a request, by the schema that the OpenAPI document shows for it where there is one, so that both say the same. Checks
 * form, not meaning: which app there is, and what it may, the handlers know.
 */

import { faultIn, RegistryError } from '@rollcall/protocol';
import type { Schema } from './open-api.ts';

/** @throws RegistryError `invalid_argument` that names the field, and what it must be */
export function parseBody(bytes: Buffer, schema: Schema): Readonly<Record<string, unknown>> {
  const value = jsonIn(bytes);
  const fault = faultIn(value, schema, 'the body');
  if (fault !== undefined) throw invalid(fault);
  return value as Readonly<Record<string, unknown>>;
}

/** An object whose fields the caller checks. @throws RegistryError `invalid_argument` */
export function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  const value = jsonIn(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('the body must be a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

/** @throws RegistryError `invalid_argument` */
export function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('the body is not JSON');
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
