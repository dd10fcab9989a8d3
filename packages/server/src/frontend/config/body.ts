/**
 * Reads the JSON body of a request by the schema that the OpenAPI document shows for it, so that both say the same. Checks form, not
 * meaning: which app there is, and what it may, the handlers know.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Schema } from '../../net/open-api.ts';

/** Nested objects and lists in a body. */
const depthMax = 8;

/** @throws RegistryError `invalid_argument` that names the field, and what it must be */
export function parseBody(bytes: Buffer, schema: Schema): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('the body is not JSON');
  }
  check(value, schema, 'the body', 0);
  return value as Readonly<Record<string, unknown>>;
}

function check(value: unknown, schema: Schema, place: string, depth: number): void {
  if (depth > depthMax) throw invalid(`${place} is nested too deep`);
  switch (schema.type) {
    case 'object':
      checkObject(value, schema, place, depth);
      break;
    case 'array': {
      if (!Array.isArray(value)) throw invalid(`${place} must be a list`);
      const { items = {} } = schema;
      for (const [at, each] of (value as readonly unknown[]).entries()) check(each, items, `${place}[${at}]`, depth + 1);
      break;
    }
    case 'string':
      if (typeof value !== 'string') throw invalid(`${place} must be a text`);
      if (schema.maxLength !== undefined && value.length > schema.maxLength) throw invalid(`${place} has ${value.length} characters, the limit is ${schema.maxLength}`);
      if (schema.enum !== undefined && !schema.enum.includes(value)) throw invalid(`${place} is ${JSON.stringify(value.slice(0, 80))}; there are ${schema.enum.join(', ')}`);
      break;
    case 'integer':
    case 'number':
      if (typeof value !== 'number' || (schema.type === 'integer' && !Number.isSafeInteger(value))) throw invalid(`${place} must be a ${schema.type === 'integer' ? 'whole number' : 'number'}`);
      if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)) throw invalid(`${place} is ${value}, it must be ${schema.minimum ?? ''} to ${schema.maximum ?? ''}`);
      break;
    case 'boolean':
      if (typeof value !== 'boolean') throw invalid(`${place} must be true or false`);
      break;
    default:
  }
}

function checkObject(value: unknown, { properties = {}, required = [], additionalProperties = true }: Schema, place: string, depth: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${place} must be an object`);
  for (const name of required) if (!Object.hasOwn(value, name)) throw invalid(`${place} lacks ${name}`);
  for (const [name, each] of Object.entries(value)) {
    const field = place === 'the body' ? name : `${place}.${name}`;
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (schema !== undefined) check(each, schema, field, depth + 1);
    else if (typeof additionalProperties === 'object') check(each, additionalProperties, field, depth + 1);
    else if (!additionalProperties) throw invalid(`${place} has the unknown field ${JSON.stringify(name.slice(0, 80))}; there are ${Object.keys(properties).join(', ')}`);
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
