/** Reads fields of the JSON body of a message. A field that is absent, or null as Java writes it, has its usual value. */

import { invalid } from '../names.ts';
import type { JsonObject } from './wire.ts';

/** @throws RegistryError `invalid_argument` when it is no text */
export function text(body: JsonObject, field: string, usual = ''): string {
  const value = body[field] ?? usual;
  if (typeof value !== 'string') throw invalid(`Param '${field}' is illegal: it is no text.`);
  return value;
}

/** @throws RegistryError `invalid_argument` when it is no truth value */
export function flag(body: JsonObject, field: string, usual = false): boolean {
  const value = body[field] ?? usual;
  if (typeof value !== 'boolean') throw invalid(`Param '${field}' is illegal: it is neither true nor false.`);
  return value;
}

/** @throws RegistryError `invalid_argument` when it is no whole number from `least` on */
export function wholeNumber(body: JsonObject, field: string, usual: number, least = 1): number {
  const value = body[field] ?? usual;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw invalid(`Param '${field}' is illegal: it is no whole number from ${least} on.`);
  }
  return value;
}

/** @throws RegistryError `invalid_argument` when it is no JSON object */
export function object(body: JsonObject, field: string): JsonObject {
  const value = body[field] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`Param '${field}' is illegal: it is no JSON object.`);
  return value as JsonObject;
}

/** @throws RegistryError `invalid_argument` when it is no list of at most `max` JSON objects */
export function objects(body: JsonObject, field: string, max: number): readonly JsonObject[] {
  const value = body[field] ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'object' || each === null || Array.isArray(each))) {
    throw invalid(`Param '${field}' is illegal: it is no list of JSON objects.`);
  }
  if (value.length > max) throw invalid(`Param '${field}' is illegal: it has ${value.length} entries, the limit is ${max}.`);
  return value as readonly JsonObject[];
}

/** @throws RegistryError `invalid_argument` when it is no list of at most `max` texts */
export function texts(body: JsonObject, field: string, max: number): readonly string[] {
  const value = body[field] ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string')) throw invalid(`Param '${field}' is illegal: it is no list of texts.`);
  if (value.length > max) throw invalid(`Param '${field}' is illegal: it has ${value.length} entries, the limit is ${max}.`);
  return value as readonly string[];
}
