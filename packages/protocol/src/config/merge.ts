/**
 * Joins the layers of a configuration: the app's own content over that of its public parents. Properties are joined key by key,
 * and each value keeps the layer that it comes from; content of other formats has no keys, so there the first layer is the result
 * (the caller takes it). It does not decide which layers there are; the registry's `resolve` does.
 */

export interface PropertyLayer<Origin> {
  readonly entries: ReadonlyMap<string, string>;
  /** Where the layer comes from, as the caller shows it. */
  readonly origin: Origin;
}

export interface MergedProperty<Origin> {
  readonly value: string;
  /** Of the layer that has the value. */
  readonly origin: Origin;
}

/**
 * @param layers the first that has a key gives its value
 * @returns keys in the order in which they first appear, layer by layer. O(entries of all layers)
 */
export function mergeProperties<Origin>(layers: readonly PropertyLayer<Origin>[]): Map<string, MergedProperty<Origin>> {
  const merged = new Map<string, MergedProperty<Origin>>();
  for (const { entries, origin } of layers) {
    for (const [key, value] of entries) if (!merged.has(key)) merged.set(key, { value, origin });
  }
  return merged;
}
