/** What the route of a service says of its instances: which are used, which are the canary, and how their weights change. Pure. */

import { selects, type Route } from '@rollcall/protocol';

/** The part of an instance that selectors read. */
export interface Selected {
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

export interface Rules {
  readonly isUsed: (instance: Selected) => boolean;
  /** Factor of the instance's weight; 0: it is used only if no other is left. */
  readonly factorOf: (instance: Selected) => number;
  /** Undefined for a route without a canary. */
  readonly isCanary: ((instance: Selected) => boolean) | undefined;
}

export function rulesOf({ select, canary, weights = [] }: Route): Rules {
  const factors = weights.map(({ select: which, weight }) => ({ isMeant: selects(which), weight }));
  return {
    isUsed: select === undefined ? () => true : selects(select),
    factorOf: (instance) => factors.find(({ isMeant }) => isMeant(instance))?.weight ?? 1,
    isCanary: canary === undefined ? undefined : selects(canary.select),
  };
}
