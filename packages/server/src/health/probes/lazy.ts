/** A probe whose code is loaded at its first run: most servers never need the packages that it imports. */

import type { Probe } from './probe.ts';

/** @param load called once; a later ask calls it again only if it failed */
export function lazyProbe(load: () => Promise<Probe>): Probe {
  let loading: Promise<Probe> | undefined;
  return async (definition, signal) => {
    loading ??= load();
    const probe = await loading.catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return probe(definition, signal);
  };
}
