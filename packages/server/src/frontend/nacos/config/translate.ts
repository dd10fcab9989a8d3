/** Translates configurations between Nacos and the registry. Pure, but for the hash of a content. */

import { createHash } from 'node:crypto';
import type { ConfigPublish } from '../../../registry/kind/config/commands.ts';
import { findConfig, findRelease, givenTo, type ConfigReader, type Given } from '../../../registry/kind/config/find.ts';
import type { ConfigRow, GrayRule, ReleaseRow } from '../../../registry/kind/config/rows.ts';
import type { Lookup } from '../../../registry/room.ts';
import { keep, kept } from '../foreign.ts';
import { invalid } from '../names.ts';

/** What identifies a configuration. */
export interface ConfigName {
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
}

/** The key whose rights a caller needs. */
export function keyOf({ group, id }: Pick<ConfigName, 'group' | 'id'>): string {
  return `config/${group}/${id}`;
}

export interface Publication extends ConfigName {
  readonly content: string;
  readonly type?: string | undefined;
  readonly app?: string | undefined;
  readonly description?: string | undefined;
  /** Joined by commas. */
  readonly tags?: string | undefined;
  /** Addresses of the clients that get it, joined by commas; empty: all. */
  readonly betaIps?: string | undefined;
  /** The tag of the clients that get it; empty: all. */
  readonly tag?: string | undefined;
  /** Publish only if the content has this MD5 now; undefined: in any case. */
  readonly casMd5?: string | undefined;
  readonly encryptedDataKey?: string | undefined;
  readonly by?: string | undefined;
  readonly from?: string | undefined;
}

const types: ReadonlySet<string> = new Set(['properties', 'xml', 'json', 'text', 'html', 'yaml', 'toml', 'unset']);

/** Names and priorities of gray releases, as Nacos has them (`BetaGrayRule`, `TagGrayRule`). */
export const betaName = 'beta';
const betaPriority = 2_147_483_647;

export function tagName(tag: string): string {
  return `tag_${tag}`;
}

/** @throws RegistryError `invalid_argument` */
export function publishCommand(publication: Publication): ConfigPublish {
  const { namespace, group, id, content, type, app, description, tags, casMd5, encryptedDataKey, by, from } = publication;
  const bytes = Buffer.from(content);
  const gray = grayOf(publication);
  return {
    kind: 'config-publish',
    namespace,
    group,
    id,
    content: bytes,
    md5: createHash('md5').update(bytes).digest('hex'),
    type: type !== undefined && types.has(type) ? type : 'text',
    ...(app ? { app } : {}),
    ...(description ? { description } : {}),
    ...(tags ? { tags: tags.split(',').flatMap((tag) => tag.trim() || []) } : {}),
    ...(casMd5 === undefined ? {} : { cas: casMd5 }),
    ...(gray === undefined ? {} : { gray }),
    ...(by ? { by } : {}),
    ...(from ? { from } : {}),
    ...keep({ encryptedDataKey: encryptedDataKey || undefined }),
  };
}

function grayOf({ betaIps = '', tag = '' }: Publication): { readonly name: string; readonly rule: GrayRule; readonly priority: number } | undefined {
  if (betaIps !== '') {
    const addresses = betaIps.split(',').flatMap((address) => address.trim() || []);
    if (addresses.length === 0) throw invalid("Param 'betaIps' is illegal: it names no address.");
    return { name: betaName, rule: { kind: 'ip', addresses }, priority: betaPriority };
  }
  return tag === '' ? undefined : { name: tagName(tag), rule: { kind: 'tag', tag }, priority: betaPriority - 1 };
}

/** What a client gets of a configuration. */
export interface Found {
  readonly row: ConfigRow;
  readonly given: Given;
  readonly release: ReleaseRow;
}

/** @returns undefined when the client gets nothing */
export function findFor(reader: Lookup, { namespace, group, id }: ConfigName, client: ConfigReader): Found | undefined {
  const row = findConfig(reader, namespace, group, id);
  const given = row && givenTo(row, client);
  const release = row && given && findRelease(reader, row, given.release);
  return release === undefined ? undefined : ({ row, given, release } as Found);
}

/** The MD5 that the client has if it has the newest; empty when it gets nothing. */
export function md5For(reader: Lookup, { namespace, group, id }: ConfigName, client: ConfigReader): string {
  const row = findConfig(reader, namespace, group, id);
  return (row && givenTo(row, client)?.md5) ?? '';
}

export function contentOf({ content }: ReleaseRow): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8');
}

export function encryptedKeyOf(release: ReleaseRow): string {
  const key = kept(release)['encryptedDataKey'];
  return typeof key === 'string' ? key : '';
}
