/**
 * JSON Schema 2020-12 over the values of a content, by ajv. Patterns are matched by `re2js`, in linear time; JavaScript's own engine could
 * search without end. References stay inside the schema: nothing is fetched. `format` is an annotation and not checked, as the specification has it
 * by default. A schema can still need any time, through recursion, and ajv compiles it to code: so this runs in a thread of its own.
 */

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import type { ContentFault } from './content.ts';
import { parseJson } from './parse/json.ts';

/** Characters of a schema; ajv makes code of several times the size. */
const schemaCharactersMax = 262_144;

export type SchemaRead = { readonly ok: true; readonly faults: (value: unknown) => ContentFault[] } | { readonly ok: false; readonly faults: readonly ContentFault[] };

export function readSchema(text: string): SchemaRead {
  if (text.length > schemaCharactersMax) return refused(`the schema has ${text.length} characters, the limit is ${schemaCharactersMax}`, 'size');
  const parsed = parseJson(text);
  if (!parsed.ok) return { ok: false, faults: [{ ...parsed.fault, message: `the schema is no JSON: ${parsed.fault.message}` }] };
  const schema = parsed.value;
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) return refused('the schema is no object');
  try {
    const validate = newAjv().compile(schema);
    if ('$async' in validate && validate.$async === true) return refused('the schema is asynchronous; remove $async');
    return { ok: true, faults: (value) => faultsOf(validate, value) };
  } catch (error) {
    return refused(reasonOf(error));
  }
}

function newAjv(): Ajv2020 {
  return new Ajv2020({
    ...{ allErrors: true, strict: false, validateFormats: false, ownProperties: true, logger: false, messages: true },
    code: { regExp: Object.assign((pattern: string) => linearPattern(pattern), { code: 'linearPattern' }) },
  });
}

/** A JavaScript regular expression of a schema. @throws Error when it needs what only backtracking can match */
function linearPattern(pattern: string): { readonly test: (text: string) => boolean; readonly toString: () => string } {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  // ajv takes patterns with the same text for the same one.
  return { test: (text) => compiled.matcher(text).find(), toString: () => `/${pattern}/u` };
}

function faultsOf(validate: ValidateFunction, value: unknown): ContentFault[] {
  try {
    if (validate(value)) return [];
  } catch (error) {
    return [...refused(reasonOf(error)).faults];
  }
  return (validate.errors ?? []).map(faultOf);
}

/** ajv's messages name the rule and never the value. */
function faultOf({ instancePath, message = 'does not match the schema', params, keyword }: ErrorObject): ContentFault {
  const named = params as { additionalProperty?: string; unevaluatedProperty?: string; allowedValues?: readonly unknown[] };
  const extra = named.additionalProperty ?? named.unevaluatedProperty;
  const allowed = keyword === 'enum' ? `: ${JSON.stringify(named.allowedValues).slice(0, 200)}` : '';
  return { kind: 'schema', path: instancePath, message: `${message}${extra === undefined ? '' : `: ${JSON.stringify(extra.slice(0, 80))}`}${allowed}` };
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'the schema refers to itself without an end';
  const message = error instanceof Error ? error.message : String(error);
  const remote = /can't resolve reference (\S+) from id/.exec(message);
  if (remote !== null) return `the schema refers to ${remote[1]}, which is not inside it; only references inside the schema are possible, write them into $defs`;
  const dialect = /no schema with key or ref "(.*)"/.exec(message);
  if (dialect !== null) return `the schema is of ${dialect[1]}; only https://json-schema.org/draft/2020-12/schema is supported`;
  return `the schema cannot be used: ${message.slice(0, 300)}`;
}

function refused(message: string, kind: 'schema' | 'size' = 'schema'): { readonly ok: false; readonly faults: readonly ContentFault[] } {
  return { ok: false, faults: [{ kind, message }] };
}
