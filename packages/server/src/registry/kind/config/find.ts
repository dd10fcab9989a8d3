/** Finds configurations, their releases, and the release that a client gets. */

import type { Lookup } from '../../room.ts';
import { configBuckets, configKey, releaseKey } from './keys.ts';
import type { ConfigRow, GrayRelease, GrayRule, ReleaseRow } from './rows.ts';

/** The row of a configuration; one that was removed has a row without a release for as long as its history is kept. */
export function findConfig(reader: Lookup, namespace: string, group: string, id: string): ConfigRow | undefined {
  return reader.get(configKey(namespace, group, id)) as ConfigRow | undefined;
}

/** Whether clients get anything. */
export function isPublished({ release, gray }: Pick<ConfigRow, 'release' | 'gray'>): boolean {
  return release > 0 || gray !== undefined;
}

/** All rows of a namespace, those that were removed included, in no particular order. */
export function configsIn(reader: Lookup, namespace: string): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.inNamespace(namespace)) as Iterable<ConfigRow>;
}

export function findRelease(reader: Lookup, { namespace, group, id }: Pick<ConfigRow, 'namespace' | 'group' | 'id'>, number: number): ReleaseRow | undefined {
  return reader.get(releaseKey(namespace, group, id, number)) as ReleaseRow | undefined;
}

/** The steps of the history that are kept, the newest first. */
export function* historyOf(reader: Lookup, row: ConfigRow): Generator<ReleaseRow, void, undefined> {
  let missing = 0;
  // Steps go from the old end; a gray release that clients still get may stand before a gap.
  for (let number = row.last; number > 0 && missing <= gapMax; number--) {
    const step = findRelease(reader, row, number);
    if (step === undefined) missing++;
    else yield step;
  }
}

/** Longest gap after which no older step is looked for. */
const gapMax = 64;

/** What is known of a client that asks for a configuration. */
export interface ConfigReader {
  readonly address?: string;
  readonly tag?: string;
}

/** The release that a client gets. */
export interface Given {
  readonly release: number;
  readonly md5: string;
  /** The gray release that it is; absent: the one for all clients. */
  readonly gray?: GrayRelease;
}

/** @returns undefined when the client gets none */
export function givenTo({ release, md5, gray = [] }: ConfigRow, client: ConfigReader): Given | undefined {
  for (const each of gray) if (names(each.rule, client)) return { release: each.release, md5: each.md5, gray: each };
  return release === 0 ? undefined : { release, md5 };
}

function names(rule: GrayRule, { address, tag }: ConfigReader): boolean {
  return rule.kind === 'ip' ? address !== undefined && rule.addresses.includes(address) : rule.tag === tag;
}
