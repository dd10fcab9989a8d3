/**
 * Where registrations are in the tree of a ZooKeeper: `BASE/SERVICE/ID` of Curator's service discovery, and Dubbo's
 * `BASE/INTERFACE/providers/URL`. A group is a znode whose children are registrations. Pure.
 */

export interface Layout {
  /** Such as `/services`. */
  readonly base: string;
  /** Between the name of a service and its registrations: empty, or `/providers`. */
  readonly inner: string;
  /** Names below the base that are no services. */
  readonly others: ReadonlySet<string>;
}

export const curatorLayout = (base: string): Layout => ({ base, inner: '', others: new Set() });

/** Dubbo keeps which application has an interface, metadata and configurations below its base, too. */
export const dubboLayout = (base: string): Layout => ({ base, inner: '/providers', others: new Set(['mapping', 'metadata', 'config']) });

export function groupOf({ base, inner }: Layout, service: string): string {
  return `${base}/${service}${inner}`;
}

export type Place =
  | { readonly kind: 'base'; readonly layout: Layout }
  | { readonly kind: 'group'; readonly layout: Layout; readonly group: string; readonly name?: string };

/** What a change of a znode concerns: the list of services, a group, or one registration in it; undefined when none of them. */
export function placeOf(layouts: readonly Layout[], path: string): Place | undefined {
  for (const layout of layouts) {
    if (path === layout.base) return { kind: 'base', layout };
    if (!path.startsWith(`${layout.base}/`)) continue;
    const [service = '', ...rest] = path.slice(layout.base.length + 1).split('/');
    const group = groupOf(layout, service);
    if (layout.others.has(service) || (path !== group && !path.startsWith(`${group}/`))) return undefined;
    const name = layout.inner === '' ? rest[0] : rest[1];
    return { kind: 'group', layout, group, ...(name === undefined ? {} : { name }) };
  }
  return undefined;
}
