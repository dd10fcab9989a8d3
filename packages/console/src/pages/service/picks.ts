/**
 * What a client that starts now would do with a list of instances and a route: the client's own code, in the page. It knows what the registry says and what the
 * operator gives as the properties of a caller; what a running client has measured, such as ejected instances, only that client knows.
 */

import type { Instance } from '@rollcall/protocol';
import { SeededRandom } from '../../../../client/src/balancer/seeded-random.ts';
import { Choosing } from '../../../../client/src/choosing.ts';
import type { Explanation } from '../../../../client/src/explain/explanation.ts';
import { explainService } from '../../../../client/src/explain/explain-service.ts';
import { RoutedOptions } from '../../../../client/src/routed-options.ts';

/** A caller, and its request. */
export interface Caller {
  /** Empty: it has none. */
  readonly zone: string;
  /** It selects instances with this tag; empty: all. */
  readonly tag: string;
  /** Of the request; empty: none, or that of a header if the route says so. */
  readonly key: string;
  /** By name, in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of the caller in a subset; it would be leased by the registry. */
  readonly ordinal: number;
}

export interface Picks extends Explanation {
  /** The instances that a caller gets depend on its ordinal. */
  readonly hasSubset: boolean;
}

/** @param route as the registry has it; undefined: none */
export function explainPicks(service: string, instances: readonly Instance[], { route, revision }: { readonly route: unknown; readonly revision: number }, caller: Caller): Picks {
  const { zone, tag, key, headers, ordinal } = caller;
  const own = { routing: { ...(zone === '' ? {} : { zone: { own: zone } }), ...(tag === '' ? {} : { select: { tags: [tag] } }) } };
  const choosing = new Choosing(own, {
    random: new SeededRandom(1),
    probing: { probe: () => Promise.resolve(undefined), clock: { monotonic: () => 0 } },
    reach: () => Promise.resolve(true),
    tell: () => {},
  });
  const routed = new RoutedOptions(own);
  let keyHeader: string | undefined;
  routed.take({ route, revision }, (options) => {
    choosing.configure(options, 0);
    keyHeader = options.keyHeader?.toLowerCase();
  });
  const { router } = choosing;
  router.update(instances, 0);
  const hasSubset = router.wantsOrdinal;
  if (hasSubset) router.useOrdinal(ordinal, 0);
  const header = (name: string): string | undefined => headers.get(name);
  const routing = router.explain(0, key === '' ? (keyHeader === undefined ? undefined : header(keyHeader)) : key, header);
  const requests = { requests: { inFlight: 0, answering: 0, max: Infinity }, concurrencyMax: undefined, retriesLeft: 0, hedging: undefined };
  return { ...explainService({ service, snapshot: undefined, route: routed.explain(), routing, guard: choosing.guard, requests }, 0), hasSubset };
}

/** `name: value`, one on a line; other lines are left out. */
export function headersIn(text: string): ReadonlyMap<string, string> {
  return new Map(text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf(':');
    return at < 1 ? [] : [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]];
  }));
}
