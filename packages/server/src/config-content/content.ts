/**
 * The port of content checks: whether a content may be published, and its values as flat keys. Content comes from clients, and parsing it
 * can take any time, so an implementation does it outside the main thread and within a time limit (`checker.ts`). This file has types
 * and the error made of them, no checks.
 */

import { RegistryError, type ConfigFormat } from '@rollcall/protocol';

export interface ContentQuestion {
  readonly content: string;
  readonly format: ConfigFormat;
  /** A JSON Schema 2020-12 as JSON text; the values must match it. For `properties` they are one object of texts by key. */
  readonly schema?: string;
  /** Conditions that hold for several keys together. */
  readonly rules?: readonly ContentRule[];
}

export interface ContentRule {
  /**
   * An expression of the filter language (`filter/`) over the map `keys`, which has each flat key with its value as text:
   * `keys["tls.enabled"] != "true" or "tls.certificate" in keys`.
   */
  readonly expect: string;
  /** For the publisher when it does not hold; the expression by default. */
  readonly message?: string;
}

/** One reason not to publish. It names places and rules, and never quotes a value, which may be a secret. */
export interface ContentFault {
  /** `time`: the check did not end within the limit, and was stopped. */
  readonly kind: 'size' | 'syntax' | 'duplicate' | 'schema' | 'rule' | 'time';
  /** Lower case; without the place. */
  readonly message: string;
  /** From 1, in lines of the content. */
  readonly line?: number;
  /** From 1, in characters (UTF-16 code units) of the line. */
  readonly column?: number;
  /** JSON pointer of the value, or the flat key. */
  readonly path?: string;
}

export interface ContentChecks {
  /**
   * @returns the reasons not to publish, 20 at most; none: the content is good
   * @throws RegistryError `resource_exhausted` when too many checks wait
   */
  check(question: ContentQuestion): Promise<readonly ContentFault[]>;
  /** @returns why the text cannot be the schema of a configuration; none: it can */
  checkSchema(schema: string): Promise<readonly ContentFault[]>;
  /**
   * The values under flat keys as Spring names them (`servers[0].port`), for readers that know only properties. A `text` has the one key
   * `content`.
   * @returns JSON of one object, its keys in the order of the content; values are texts, numbers and booleans
   * @throws RegistryError `invalid_argument` when the content cannot be parsed, or not in time
   */
  flatten(content: string, format: ConfigFormat): Promise<string>;
  close(): Promise<void>;
}

/** The faults as one error for protocols without a place for a list: `invalid_argument`, or `resource_exhausted` for its size. */
export function contentError(faults: readonly ContentFault[]): RegistryError {
  const [first] = faults;
  const code = first?.kind === 'size' ? 'resource_exhausted' : 'invalid_argument';
  return new RegistryError(code, `the content is refused: ${faults.map(describe).join('; ')}`);
}

function describe({ message, line, column, path }: ContentFault): string {
  if (line !== undefined) return `line ${line}${column === undefined ? '' : `, column ${column}`}: ${message}`;
  return path === undefined || path === '' ? message : `${path}: ${message}`;
}
