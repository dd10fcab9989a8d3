/**
 * The parameters of a request. Nacos takes each from the query or from a form in the body, for every method; the query wins. The charset
 * that a form declares is ignored: the Node client declares GBK and sends UTF-8.
 */

import type { IncomingMessage } from 'node:http';
import { readBody } from '../../../net/body.ts';
import { invalid } from '../names.ts';

export class Params {
  readonly #query: URLSearchParams;
  readonly #form: URLSearchParams | undefined;

  constructor(query: string, form?: string) {
    this.#query = new URLSearchParams(query);
    this.#form = form === undefined || form === '' ? undefined : new URLSearchParams(form);
  }

  /** Undefined when it is in neither. */
  get(name: string): string | undefined {
    return this.#query.get(name) ?? this.#form?.get(name) ?? undefined;
  }

  /** The first of several names that is there and not empty; else the usual value. */
  text(names: string | readonly string[], usual = ''): string {
    if (typeof names === 'string') return this.get(names) || usual;
    for (const name of names) {
      const value = this.get(name);
      if (value !== undefined && value !== '') return value;
    }
    return usual;
  }

  /** @throws RegistryError `invalid_argument` */
  required(names: string | readonly string[]): string {
    const value = this.text(names);
    if (value === '') throw invalid(`Param '${typeof names === 'string' ? names : names[0]}' is required.`);
    return value;
  }

  /** `true`, `on` and `1` are true, as in Nacos (`ConvertUtils.toBoolean`). */
  flag(names: string | readonly string[], usual: boolean): boolean {
    const value = this.text(names).toLowerCase();
    return value === '' ? usual : value === 'true' || value === 'on' || value === '1' || value === 'y' || value === 'yes';
  }

  /** @throws RegistryError `invalid_argument` */
  wholeNumber(name: string, usual: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === '') return usual;
    const value = Number(text);
    if (!Number.isInteger(value) || value < least) throw invalid(`Param '${name}' is illegal: '${text.slice(0, 40)}' is no whole number from ${least} on.`);
    return Math.min(value, most);
  }
}

/**
 * @param limit bytes of the body
 * @returns a promise only if the body has not arrived yet
 * @throws BodyTooLarge; RegistryError `invalid_argument` for a body that is no form, `cancelled`
 */
export function readParams(request: IncomingMessage, query: string, limit: number): Params | Promise<Params> {
  const read = readBody(request, limit);
  return Buffer.isBuffer(read) ? paramsOf(request, query, read) : read.then((bytes) => paramsOf(request, query, bytes));
}

function paramsOf(request: IncomingMessage, query: string, bytes: Buffer): Params {
  if (bytes.length === 0) return new Params(query);
  const type = request.headers['content-type'] ?? '';
  if (/^\s*(?:multipart|application\/json)/i.test(type)) {
    throw invalid(`Content-Type '${type.slice(0, 80)}' is not supported here; send the parameters as application/x-www-form-urlencoded, or in the query.`);
  }
  return new Params(query, bytes.toString('utf8'));
}
