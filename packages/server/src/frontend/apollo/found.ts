/**
 * What an Apollo client gets: Apollo's words for the registry's. An appId is an app, a cluster a cluster, a namespace a configuration, a
 * datacenter a datacentre. A namespace without an ending, or with `.properties`, is the configuration `NAME.properties`, or `NAME`; others have their ending,
 * and one key `content`. A public configuration of another app is below the app's own.
 *
 * The case of a namespace's name means nothing to Apollo (`NamespaceUtil.normalizeNamespace`): a configuration of just this name is taken first, then one
 * in small letters, then any other.
 */

import { formatOfName, mergeProperties, parseProperties, printProperties, RegistryError } from '@rollcall/protocol';
import { layersFor, shownContent, type Asking } from '../../net/config-layers.ts';
import { configsOfFoldedName, findConfig, isPublished, publicConfigs, publicConfigsOfFoldedName } from '../../registry/kind/config/find.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { clustersOf, resolve, type ConfigName, type Layer, type Place } from '../../registry/kind/config/resolve.ts';
import type { Lookup } from '../../registry/room.ts';

/** The configurations that a namespace of Apollo may stand for, the first that exists. */
function configNames(namespaceName: string): readonly string[] {
  const stem = namespaceName.replace(/\.properties$/i, '');
  if (isXml(stem)) return [stem];
  const format = formatOfName(stem);
  // `application.common` has a dot and no ending of a format.
  return format === undefined || format === 'properties' ? [`${stem}.properties`, stem] : [stem];
}

/** Names of configurations that may give values to a client, whether they exist or not: its own first, then the public one of another app. */
export function candidates(lookup: Lookup, namespace: string, app: string, { namespaceName, place }: { readonly namespaceName: string; readonly place: Place }): ConfigName[] {
  return configNames(namespaceName).flatMap((name) => {
    const isOwn = (each: string) => clustersOf(place).some((cluster) => {
      const row = findConfig(lookup, { namespace, app, cluster, name: each });
      return row !== undefined && isPublished(row);
    });
    const ownerOf = (each: string) => {
      const owners = Array.from(publicConfigs(lookup, namespace, each), (row) => row.app).filter((owner) => owner !== app);
      // Apollo lets one app own a public name; here the first in order does.
      return owners.sort()[0];
    };
    const own = spelled(name, isOwn, (lower) => configsOfFoldedName(lookup, namespace, app, lower));
    const shared = spelled(name, (each) => ownerOf(each) !== undefined, (lower) => publicConfigsOfFoldedName(lookup, namespace, lower));
    return [
      ...own.map((each) => ({ namespace, app, name: each })),
      ...shared.flatMap((each) => {
        const owner = ownerOf(each);
        return owner === undefined ? [] : [{ namespace, app: owner, name: each }];
      }),
    ];
  });
}

/** @returns the spelling that exists; without one, those under which a configuration is looked for and waited for */
function spelled(name: string, exists: (spelling: string) => boolean, withCapitals: (lower: string) => Iterable<{ readonly name: string }>): string[] {
  if (exists(name)) return [name];
  const lower = name.toLowerCase();
  const known = [...new Set([lower, ...Array.from(withCapitals(lower), (row) => row.name).sort()])];
  const found = known.find(exists);
  return found === undefined ? [...new Set([name, ...known])] : [found];
}

/** @throws RegistryError `permission_denied` */
export function findLayers(asking: Asking, names: readonly ConfigName[], reader: ConfigReader): readonly Layer[] {
  const { registry } = asking.context;
  const layers: Layer[] = [];
  for (const name of names) {
    // Names that do not exist need no right.
    if (resolve(registry.state, name, reader).layers.length === 0) continue;
    for (const layer of layersFor(asking, name, reader)) {
      if (!layers.some(({ row }) => row.app === layer.row.app && row.name === layer.row.name)) layers.push(layer);
    }
  }
  return layers;
}

/** Changes when the values may have changed. */
export function releaseKeyOf(layers: readonly Layer[]): string {
  return layers.map(({ release: { number, hash, md5 } }) => `${number}-${(hash || md5).slice(0, 16)}`).join('+');
}

/** Apollo's only format that is none of Rollcall's; such a content is text. */
function isXml(name: string): boolean {
  return /\.xml$/i.test(name);
}

/** Whether the configuration has keys; others have only `content`. */
export function hasKeys([first]: readonly Layer[]): boolean {
  if (first === undefined || isXml(first.row.name)) return false;
  const format = first.release.format ?? first.row.format ?? formatOfName(first.row.name);
  return format === 'properties' || (formatOfName(first.row.name) ?? 'properties') === 'properties';
}

/** @throws RegistryError `failed_precondition` when a content is no properties */
export function valuesOf(asking: Asking, layers: readonly Layer[]): Map<string, string> {
  const [first] = layers;
  if (first === undefined) return new Map();
  if (!hasKeys(layers)) return new Map([['content', shownContent(asking, first.release)]]);
  const parsed = layers.filter((layer) => hasKeys([layer])).map(({ row, release }) => {
    const read = parseProperties(shownContent(asking, release));
    if (!read.ok) throw new RegistryError('failed_precondition', `configuration ${row.app}/${row.name} has no properties: line ${read.line}: ${read.message}`);
    return { entries: read.entries, origin: row };
  });
  return new Map(Array.from(mergeProperties(parsed), ([key, { value }]) => [key, value]));
}

/** The content of `configfiles`. */
export function fileOf(values: ReadonlyMap<string, string>, layers: readonly Layer[]): string {
  return hasKeys(layers) ? printProperties(values) : (values.get('content') ?? '');
}
