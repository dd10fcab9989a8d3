/**
 * Evaluations as OFREP writes them. Pure.
 *
 * Source: OFREP 0.3, `service/openapi.yaml` in github.com/open-feature/protocol. A result without `value` tells the client to use the default of
 * its code; an error of one flag inside a bulk answer does not fail the others.
 */

import { RegistryError, type FlagEvaluation } from '@rollcall/protocol';

export interface WireEvaluation {
  readonly key: string;
  readonly value?: unknown;
  readonly variant?: string;
  readonly reason?: string;
  readonly metadata?: object;
  readonly errorCode?: string;
  readonly errorDetails?: string;
}

export function toWire(key: string, { value, variant, reason, errorCode, errorMessage, metadata }: FlagEvaluation): WireEvaluation {
  if (errorCode !== undefined) return { key, errorCode, ...(errorMessage === undefined ? {} : { errorDetails: errorMessage }), metadata };
  return { key, ...(value === undefined ? {} : { value }), ...(variant === undefined ? {} : { variant }), reason, metadata };
}

/** HTTP status of a single evaluation. */
export function statusOf({ errorCode }: WireEvaluation): number {
  if (errorCode === undefined) return 200;
  return errorCode === 'FLAG_NOT_FOUND' ? 404 : 400;
}

/** Characters of an evaluation context. */
export const contextCharactersMax = 65_536;

/**
 * The evaluation context of a request. No field is required, `targetingKey` included: rules that need it give the default without it.
 * @throws InvalidContext
 */
export function readContext(body: string): object {
  if (body.length > contextCharactersMax) throw new InvalidContext('INVALID_CONTEXT', `the body has ${body.length} characters, the limit is ${contextCharactersMax}`);
  let request: unknown;
  try {
    request = body === '' ? {} : JSON.parse(body);
  } catch {
    throw new InvalidContext('PARSE_ERROR', 'the body is no JSON');
  }
  if (!isObject(request)) throw new InvalidContext('PARSE_ERROR', 'the body must be an object: {"context": {…}}');
  const context: unknown = Object.hasOwn(request, 'context') ? (request as { context: unknown }).context : {};
  if (!isObject(context)) throw new InvalidContext('INVALID_CONTEXT', 'context must be an object');
  const targetingKey = Object.hasOwn(context, 'targetingKey') ? (context as { targetingKey: unknown }).targetingKey : undefined;
  if (targetingKey !== undefined && targetingKey !== null && typeof targetingKey !== 'string') throw new InvalidContext('INVALID_CONTEXT', 'targetingKey must be a string');
  return context;
}

export class InvalidContext extends RegistryError {
  readonly errorCode: 'PARSE_ERROR' | 'INVALID_CONTEXT';

  constructor(errorCode: 'PARSE_ERROR' | 'INVALID_CONTEXT', message: string) {
    super('invalid_argument', message);
    this.errorCode = errorCode;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
