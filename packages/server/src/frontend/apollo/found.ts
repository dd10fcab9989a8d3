/**
 * What an Apollo client gets: Apollo's words for the registry's. An appId is an app, a cluster a cluster, a namespace a configuration, a
 * datacenter a datacentre. A namespace without an ending, or with `.properties`, is the configuration `NAME.properties`, or `NAME`; others have their ending,
 * and one key `content`. A public configuration of another app is below the app's own.
 */

import { formatOfName, mergeProperties, parseProperties, printProperties, RegistryError } from '@rollcall/protocol';
import { layersFor, shownContent, type Asking } from '../../net/config-layers.ts';
import { publicConfigs } from '../../registry/kind/config/find.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { resolve, type ConfigName, type Layer } from '../../registry/kind/config/resolve.ts';
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
export function candidates(lookup: Lookup, namespace: string, app: string, namespaceName: string): ConfigName[] {
  return configNames(namespaceName).flatMap((name) => {
    const owners = Array.from(publicConfigs(lookup, namespace, name), (row) => row.app).filter((owner) => owner !== app);
    // Apollo lets one app own a public name; here the first in order does.
    const [owner] = [...new Set(owners)].sort();
    return [{ namespace, app, name }, ...(owner === undefined ? [] : [{ namespace, app: owner, name }])];
  });
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
