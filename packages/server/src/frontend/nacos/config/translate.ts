/** Translates configurations between Nacos and the registry: a group is an app, a data id is a name. Pure. */

import type { Publication } from '../../../configurations/configurations.ts';
import { configName, findConfig, findRelease } from '../../../registry/kind/config/find.ts';
import { givenTo, type ConfigReader, type Given } from '../../../registry/kind/config/given.ts';
import type { IndexedRows } from '../../../registry/kind/config/identity.ts';
import { defaultCluster } from '../../../registry/kind/config/keys.ts';
import type { ConfigRef, ConfigRow, ReleaseRow, RolloutRule } from '../../../registry/kind/config/rows.ts';
import { keep, kept } from '../foreign.ts';
import { invalid } from '../names.ts';

/** What identifies a configuration in Nacos. */
export interface ConfigName {
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
}

/** Clients of Nacos see only configurations of the cluster `default`. */
export function refOf({ namespace, group, id }: ConfigName): ConfigRef {
  return { namespace, app: group, cluster: defaultCluster, name: id };
}

/** The name of a configuration that clients of Nacos see; undefined for another one. */
export function nameOf({ namespace, app, cluster, name }: ConfigRef): ConfigName | undefined {
  return cluster === defaultCluster ? { namespace, group: app, id: name } : undefined;
}

/** Nacos' own application name of a configuration, which is only shown. */
export function appNameOf(row: ConfigRow): string {
  const { appName } = kept(row);
  return typeof appName === 'string' ? appName : '';
}

/** The name whose rights a caller needs. */
export function rightsName({ group, id }: Pick<ConfigName, 'group' | 'id'>): string {
  return configName({ app: group, name: id });
}

/** What a client of Nacos sends to publish. */
export interface Sent {
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

/** The label of a client of Nacos that its tag is. */
const tagLabel = 'tag';

export function readerOf(address: string, tag: string): ConfigReader {
  return { address, ...(tag === '' ? {} : { labels: { [tagLabel]: tag } }) };
}

/** The tag whose clients get a release; undefined for other rollouts. */
export function tagOf(rule: RolloutRule | undefined): string | undefined {
  return rule?.kind === 'label' && rule.label === tagLabel ? rule.values[0] : undefined;
}

export function tagName(tag: string): string {
  return `tag_${tag}`;
}

/** @throws RegistryError `invalid_argument` */
export function publicationOf(sent: Sent): Publication {
  const { content, type, app, description, tags, casMd5, encryptedDataKey, by, from } = sent;
  const rollout = rolloutOf(sent);
  return {
    content: Buffer.from(content),
    format: type !== undefined && types.has(type) ? type : 'text',
    settings: {
      ...(app ? { foreign: { nacos: { appName: app } } } : {}),
      ...(description ? { description } : {}),
      ...(tags ? { tags: tags.split(',').flatMap((tag) => tag.trim() || []) } : {}),
    },
    // Nacos checks no content, and its clients cannot confirm.
    ...{ unchecked: true, confirmed: true },
    ...(casMd5 === undefined ? {} : { cas: casMd5 }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(by ? { by } : {}),
    ...(from ? { from } : {}),
    ...keep({ encryptedDataKey: encryptedDataKey || undefined }),
  };
}

function rolloutOf({ betaIps = '', tag = '' }: Sent): Publication['rollout'] {
  if (betaIps !== '') {
    const addresses = betaIps.split(',').flatMap((address) => address.trim() || []);
    if (addresses.length === 0) throw invalid("Param 'betaIps' is illegal: it names no address.");
    return { name: betaName, rule: { kind: 'address', addresses }, priority: betaPriority };
  }
  return tag === '' ? undefined : { name: tagName(tag), rule: { kind: 'label', label: tagLabel, values: [tag] }, priority: betaPriority - 1 };
}

/** What a client gets of a configuration. */
export interface Found {
  readonly row: ConfigRow;
  readonly given: Given;
  readonly release: ReleaseRow;
}

/** @returns undefined when the client gets nothing */
export function findFor(rows: IndexedRows, name: ConfigName, client: ConfigReader): Found | undefined {
  const row = findConfig(rows, refOf(name));
  const given = row && givenTo(rows, row, client);
  const release = row && given && findRelease(rows, row, given.release);
  return release === undefined ? undefined : ({ row, given, release } as Found);
}

/** The MD5 that the client has if it has the newest; empty when it gets nothing. */
export function md5For(rows: IndexedRows, name: ConfigName, client: ConfigReader): string {
  const row = findConfig(rows, refOf(name));
  return (row && givenTo(rows, row, client)?.md5) ?? '';
}

export function contentOf({ content }: ReleaseRow): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8');
}

export function encryptedKeyOf(release: ReleaseRow): string {
  const key = kept(release)['encryptedDataKey'];
  return typeof key === 'string' ? key : '';
}
