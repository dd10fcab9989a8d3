/** Reads the body of a request: limited, unpacked within the same limit, JSON or XML. */

import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BodyTooLarge, readBody } from '../../net/body.ts';
import { Unreadable } from './errors.ts';
import { readXml, XmlError } from './wire/xml-reader.ts';

const unpack = promisify(gunzip);

export interface Content {
  /** Name of the outermost field or element. */
  readonly root: string;
  readonly value: unknown;
  readonly xml: boolean;
}

/**
 * @param limit bytes, packed and unpacked
 * @throws BodyTooLarge, Unreadable; RegistryError `cancelled`
 */
export async function readContent(request: IncomingMessage, limit: number): Promise<Content> {
  const bytes = await unpacked(await readBody(request, limit), request.headers['content-encoding'], limit);
  const text = bytes.toString('utf8');
  // Some clients send no type, or the wrong one; the first character says what it is.
  if (/^[\s\ufeff]*</.test(text)) return contentOfXml(text);
  return contentOfJson(text);
}

async function unpacked(bytes: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity' || bytes.length === 0) return bytes;
  if (!/^(?:x-)?gzip$/i.test(encoding)) throw new Unreadable(`Content-Encoding is ${JSON.stringify(encoding.slice(0, 80))}; send gzip, or leave it out`);
  try {
    return await unpack(bytes, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new BodyTooLarge(limit + 1, limit);
    throw new Unreadable('the body is not gzip, although Content-Encoding says so');
  }
}

function contentOfXml(text: string): Content {
  try {
    const { root, content } = readXml(text);
    return { root, value: content, xml: true };
  } catch (error) {
    if (error instanceof XmlError) throw new Unreadable(`the XML cannot be read: ${error.message}`);
    throw error;
  }
}

function contentOfJson(text: string): Content {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Unreadable(text === '' ? 'the body is empty' : `the JSON cannot be read: ${(error as Error).message.slice(0, 200)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unreadable('a JSON object is expected');
  const names = Object.keys(value);
  const [root = ''] = names;
  return names.length === 1 ? { root, value: (value as Record<string, unknown>)[root], xml: false } : { root: '', value, xml: false };
}
