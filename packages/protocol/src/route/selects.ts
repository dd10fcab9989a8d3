/** Which instances a selector is about: the same in the client, which follows a route, and in the registry, which shows it to others. */

/** As `RouteSelector` has it. */
interface Selecting {
  readonly tags?: readonly string[];
  readonly withoutTags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly version?: string;
}

/** The part of an instance that selectors read. */
interface Selectable {
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** @param selector whose version, if any, is leading parts of one: not empty, and without a dot at its end */
export function selects({ tags = [], withoutTags = [], meta = {}, version }: Selecting): (instance: Selectable) => boolean {
  const wanted = Object.entries(meta);
  return (instance) =>
    tags.every((tag) => instance.tags.includes(tag)) &&
    !withoutTags.some((tag) => instance.tags.includes(tag)) &&
    wanted.every(([key, value]) => Object.hasOwn(instance.meta, key) && instance.meta[key] === value) &&
    (version === undefined || isVersion(instance.meta['version'] ?? '', version));
}

/** Ignores a leading `v`, and the build metadata after `+` (https://semver.org). */
function isVersion(full: string, wanted: string): boolean {
  const bare = bareVersion(full);
  const prefix = bareVersion(wanted);
  return bare === prefix || bare.startsWith(`${prefix}.`) || bare.startsWith(`${prefix}-`);
}

function bareVersion(version: string): string {
  return version.replace(/^v(?=\d)/, '').replace(/\+.*$/, '');
}
