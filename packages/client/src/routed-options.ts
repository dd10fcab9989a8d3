/**
 * The options of a service as its route changes them (docs/decisions/0113): a word of the route replaces that option of the program, all others
 * stay. It checks routes and remembers the last one that this client understands; who uses the options, stands above it.
 */

import { checkRoute, type Route } from '@rollcall/protocol';
import type { BalancerFactory } from './balancer/balancer.ts';
import { balancersByName } from './balancer/by-name.ts';
import { slowStart } from './balancer/slow-start.ts';
import type { ExplainedRoute } from './explain/explanation.ts';
import type { RoutingOptions } from './routing/routing-options.ts';
import type { ServiceOptions } from './service-options.ts';
import type { SourcedRoute } from './source/snapshot-source.ts';

/** What a route, or its end, means for a client. */
export type Heard =
  | { readonly kind: 'same' }
  /** Other options are in use. */
  | { readonly kind: 'new'; readonly words: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

export class RoutedOptions {
  readonly #own: ServiceOptions;
  #route: Route = {};
  #revision: number | undefined;
  #refused: { readonly revision: number; readonly reason: string } | undefined;
  #balancer: { readonly made: BalancerFactory; readonly from: string } | undefined;

  /** @param own those of the program */
  constructor(own: ServiceOptions) {
    this.#own = own;
  }

  /**
   * @param given of the registry
   * @param use takes the options over; throws for options that it cannot use, and has changed nothing then
   */
  take({ route: given, revision }: SourcedRoute, use: (options: ServiceOptions) => void): Heard {
    const checked = checkRoute(given ?? {});
    if (!checked.ok) return this.#refuse(revision, checked.message);
    const route = steady(this.#route, checked.route);
    const words = wordsOf(route);
    const isSame = words.length === this.words.length && words.every((word) => route[word] === this.#route[word]);
    try {
      if (!isSame) use(this.#merged(route));
    } catch (error) {
      return this.#refuse(revision, (error as Error).message);
    }
    this.#route = route;
    this.#revision = given === undefined ? undefined : revision;
    this.#refused = undefined;
    return isSame ? { kind: 'same' } : { kind: 'new', words };
  }

  /** What the route has rules about. */
  get words(): readonly (keyof Route)[] {
    return wordsOf(this.#route);
  }

  /** Undefined without a route. */
  explain(): ExplainedRoute | undefined {
    if (this.#revision === undefined && this.#refused === undefined) return undefined;
    return { revision: this.#revision, words: this.words, refused: this.#refused };
  }

  #refuse(revision: number, reason: string): Heard {
    this.#refused = { revision, reason };
    return { kind: 'refused', reason };
  }

  #merged({ description: _forPeople, select, canary, weights, subset, balancer, slowStart: ramp, ...words }: Route): ServiceOptions {
    const { routing } = this.#own;
    const chosen: RoutingOptions = {
      ...(select === undefined ? {} : { select }),
      ...(canary === undefined ? {} : { canary }),
      ...(weights === undefined ? {} : { weights }),
      // The ordinal is this client's own.
      ...(subset === undefined ? {} : { subset: { ...routing?.subset, ...subset } }),
    };
    const options: ServiceOptions = { ...this.#own, ...words, ...(Object.keys(chosen).length === 0 ? {} : { routing: { ...routing, ...chosen } }) };
    return balancer === undefined && ramp === undefined ? options : { ...options, balancer: this.#balancerOf(balancer, ramp, options.tryTimeoutMs) };
  }

  /** The same one for the same words, so that it keeps what it has learned. */
  #balancerOf(balancer: Route['balancer'], ramp: Route['slowStart'], failureMs: number | undefined): BalancerFactory {
    const from = JSON.stringify([balancer, ramp, failureMs]);
    if (this.#balancer?.from === from) return this.#balancer.made;
    const inner = balancer === undefined ? (this.#own.balancer ?? balancersByName.peakEwma(failureMs)) : balancersByName[balancer](failureMs);
    const made = ramp === undefined ? inner : slowStart(inner, ramp);
    this.#balancer = { made, from };
    return made;
  }
}

/** Without the description, which changes nothing. */
function wordsOf(route: Route): (keyof Route)[] {
  return (Object.keys(route) as (keyof Route)[]).filter((word) => word !== 'description');
}

/** The newer route, with the values of the older one where they are equal: a part that is made from a value stays as long as it. */
function steady(older: Route, newer: Route): Route {
  const before: Readonly<Record<string, unknown>> = older;
  const entries = Object.entries(newer).map(([word, value]) => [word, JSON.stringify(before[word]) === JSON.stringify(value) ? before[word] : value]);
  return Object.fromEntries(entries) as Route;
}
