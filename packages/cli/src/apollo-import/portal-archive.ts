/**
 * The archive that Apollo's portal exports: the namespaces of each app, as they are being edited, released or not. Pure.
 *
 *   OWNER/APP/ENV/APP+CLUSTER+NAMESPACE    a namespace; `.properties` after the name of one with keys
 *   APP+NAMESPACE.appnamespace.metadata    whether other apps may read it
 *
 * An export of one app has the same paths without OWNER. A namespace is a list of items in JSON; before Apollo 2.0 it was the content itself.
 * Source: `ConfigsExportService`, `ConfigFileUtils` and `NamespaceBOUtils` of github.com/apolloconfig/apollo.
 */

import { formatOfName, parseProperties } from '@rollcall/protocol';
import { fileBytesMax, filesMax } from '../config-tree.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { unzipped } from '../zip-file.ts';
import type { ApolloPlace } from './apollo-api.ts';

export interface ArchivedNamespace extends ApolloPlace {
  readonly env: string;
  /** The keys; only `content` for a namespace of another format than properties. Undefined: it has none. */
  readonly configurations: Readonly<Record<string, string>> | undefined;
  readonly isPublic: boolean;
  /** Why it cannot be read. */
  readonly fault?: string;
}

/** Items with their comments, times and authors are larger than the content that they make. */
const itemsPerContent = 8;
const metadataEnd = '.metadata';
const appNamespaceEnd = '.appnamespace.metadata';

/** @throws CommandFailure `failure` that says what is wrong with the archive */
export function namespacesIn(archive: Uint8Array): readonly ArchivedNamespace[] {
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unzipped(archive, { filesMax, bytesMax: () => fileBytesMax * itemsPerContent, isContent: (name) => !name.endsWith(metadataEnd) });
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `the archive cannot be used: ${(error as Error).message}`, { cause: error });
  }
  const shared = publicNames(files);
  const found: ArchivedNamespace[] = [];
  for (const [path, bytes] of Object.entries(files)) {
    const place = placeOf(path);
    if (place !== undefined) found.push({ ...place, isPublic: shared.has(`${place.app}+${place.namespace}`), ...contentOf(place.namespace, Buffer.from(bytes).toString('utf8')) });
  }
  if (found.length === 0) throw new CommandFailure(exitCodes.failure, 'the archive cannot be used: it has no file ENVIRONMENT/APP+CLUSTER+NAMESPACE; export it in the portal of Apollo, by its administrator tools');
  return found;
}

/** @returns undefined for a file that is no namespace */
function placeOf(path: string): (ApolloPlace & { readonly env: string }) | undefined {
  const parts = path.replaceAll('\\', '/').split('/');
  const [file = '', env] = parts.toReversed();
  const [app = '', cluster = '', name = '', ...more] = file.split('+');
  if (env === undefined || file.endsWith(metadataEnd) || app === '' || cluster === '' || name === '' || more.length > 0) return undefined;
  return { env, app, cluster, namespace: name.replace(/\.properties$/, '') };
}

/** Public namespaces, as `APP+NAMESPACE`. */
function publicNames(files: Readonly<Record<string, Uint8Array>>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [path, bytes] of Object.entries(files)) {
    if (!path.endsWith(appNamespaceEnd)) continue;
    const { appId, name, isPublic } = fieldsIn(bytes);
    if (isPublic === true && typeof appId === 'string' && typeof name === 'string') names.add(`${appId}+${name}`);
  }
  return names;
}

function fieldsIn(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}

function contentOf(namespace: string, text: string): Pick<ArchivedNamespace, 'configurations' | 'fault'> {
  const format = formatOfName(namespace);
  const hasKeys = !/\.xml$/i.test(namespace) && (format === undefined || format === 'properties');
  const items = itemsIn(text);
  if (items !== undefined && (hasKeys || items.length > 0)) return { configurations: items.length === 0 ? undefined : Object.fromEntries(items) };
  if (text === '') return { configurations: undefined };
  if (!hasKeys) return { configurations: { content: text } };
  const read = parseProperties(text);
  return read.ok ? { configurations: Object.fromEntries(read.entries) } : { configurations: undefined, fault: `line ${read.line}: ${read.message}` };
}

/** Keys and values of a list of items, without comments and empty lines; undefined for any other text. */
function itemsIn(text: string): readonly (readonly [key: string, value: string])[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const items: (readonly [string, string])[] = [];
  for (const each of list as readonly unknown[]) {
    const { key, value, namespaceId } = (typeof each === 'object' && each !== null ? each : {}) as Readonly<Record<string, unknown>>;
    if (typeof key !== 'string' || typeof value !== 'string' || typeof namespaceId !== 'number') return undefined;
    if (key !== '') items.push([key, value]);
  }
  return items;
}
