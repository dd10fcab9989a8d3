/**
 * The setting `engine`: the store of the registry, and its written form. `open-engine.ts` opens it.
 *
 *   embedded:DIR   memory   etcd:URL[,URL]   node:URL
 */

import { resolve } from 'node:path';
import { filled } from './values.ts';

export type EngineSetting =
  /** @property dir absolute */
  | { readonly kind: 'embedded'; readonly dir: string }
  | { readonly kind: 'memory' }
  | { readonly kind: 'etcd'; readonly urls: readonly string[] }
  /** @property url of the primary's HTTP */
  | { readonly kind: 'node'; readonly url: string };

export const engineForms = 'embedded:DIR, memory, etcd:URL[,URL] or node:URL';

/** @param folder of relative paths. @throws Error whose message completes `<where>: ` */
export function engineSetting(value: string, folder: string): EngineSetting {
  const [, kind, rest] = /^(\w+)(?::(.*))?$/s.exec(value) ?? [];
  if (kind === 'memory' && rest === undefined) return { kind };
  if (kind === 'embedded' && rest !== undefined) return { kind, dir: resolve(folder, filled(rest)) };
  if (kind === 'etcd' && rest !== undefined) return { kind, urls: rest.split(',').map(memberUrl) };
  if (kind === 'node' && rest !== undefined) return { kind, url: primaryUrl(rest) };
  throw new Error(`${JSON.stringify(value)} is not an engine; write ${engineForms}`);
}

/** The settings for the place of the data; `dev` and `dataDir` are short forms. */
interface Store {
  readonly engine: EngineSetting | undefined;
  readonly dev: boolean;
  readonly dataDir: string;
}

export function storeOf({ engine, dev, dataDir }: Store): EngineSetting {
  return engine ?? (dev ? { kind: 'memory' } : { kind: 'embedded', dir: dataDir });
}

function memberUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new Error(`${JSON.stringify(text)} is not the URL of an etcd member; write etcd:http://HOST:2379, or https:// with TLS`);
}

function primaryUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:' || text.startsWith('unix:///')) return text;
  throw new Error(`${JSON.stringify(text)} is not the URL of a node; write node:https://HOST:8501, http:// on this machine, or unix:///PATH`);
}
