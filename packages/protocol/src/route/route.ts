/**
 * The route of a service: rules for the requests to it, which its clients follow. The words are those of the client's options
 * (`ServiceOptions` of `@rollcall/client`), with the same meaning, units and defaults; here they are data. The schema checks a route at the
 * door of the registry, and again in each client: a registry may be newer than the client.
 */

import { faultIn, object, type Schema, type Shaped } from '../schema.ts';

/** Limits of a route. */
export const routeLimits = {
  /** Bytes of its JSON. */
  bytesMax: 16_384,
  /** Entries of `weights`. */
  weightsMax: 16,
  /** Texts of a selector. */
  selectorMax: 32,
} as const;

const hourMs = 3_600_000;

const text = { type: 'string', minLength: 1, maxLength: 512 } as const satisfies Schema;
const texts = { type: 'array', minItems: 1, maxItems: routeLimits.selectorMax, items: text } as const satisfies Schema;
const timeMs = (description: string) => ({ type: 'number', exclusiveMinimum: 0, maximum: hourMs, description: `${description}, in milliseconds` }) as const satisfies Schema;
const waitMs = (description: string) => ({ type: 'number', minimum: 0, maximum: hourMs, description: `${description}, in milliseconds` }) as const satisfies Schema;
const share = (description: string) => ({ type: 'number', minimum: 0, maximum: 1, description }) as const satisfies Schema;
const atLeast1 = (maximum: number, description: string) => ({ type: 'integer', minimum: 1, maximum, description }) as const satisfies Schema;
const header = { type: 'string', maxLength: 128, pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description: 'the name of a header' } as const satisfies Schema;
const no = { const: false } as const satisfies Schema;

const selectorSchema = {
  ...object(
    {
      'tags?': texts,
      'withoutTags?': texts,
      'meta?': { type: 'object', minProperties: 1, maxProperties: routeLimits.selectorMax, additionalProperties: { type: 'string', maxLength: 512 } },
      'version?': { type: 'string', maxLength: 128, pattern: '^[^.]+(\\.[^.]+)*$', description: 'the leading parts of a version, such as 2 or 2.1' },
    },
    'Instances with all of these tags, without those, with this metadata, and of this version (metadata version; 2.1 is 2.1.x)',
  ),
  minProperties: 1,
};

const canary = object(
  {
    'select': selectorSchema,
    'share': share('Share of the requests, of the keys for requests with a key; 0: only by header'),
    'header?': header,
    'headerValue?': text,
  },
  'The selected instances get this share of the requests; a header of the request says always or never, or has headerValue',
);

const outliers = object({
  'consecutiveFailures?': atLeast1(1_000_000, 'Failures in a row that make an outlier; 5 by default'),
  'intervalMs?': timeMs('How often success rates are compared; 10,000 by default'),
  'requestsMin?': atLeast1(1_000_000, 'Requests in an interval for a rate; 100 by default'),
  'endpointsMin?': { type: 'integer', minimum: 2, maximum: 1_000_000, description: 'Endpoints with a rate for a comparison; 5 by default' },
  'deviations?': { type: 'number', exclusiveMinimum: 0, maximum: 100, description: 'Standard deviations below the mean that make an outlier; 1.9 by default' },
  'maxShare?': share('Largest share of the endpoints that may be out as outliers; 0.1 by default'),
});

const ejection = object({
  'baseMs?': timeMs('First ejection; 1,000 by default'),
  'maxMs?': timeMs('Longest ejection; 30,000 by default'),
  'maxShare?': share('Largest share of the endpoints that may be out at once; 0.5 by default'),
  'unreachable?': { type: 'boolean', description: 'Whether endpoints that accept no connection are left out; true by default' },
  'outliers?': { anyOf: [outliers, no], description: 'When endpoints are left out for too many failed answers; false: never' },
});

const hedging = object({
  'percentile?': { type: 'number', minimum: 0.5, exclusiveMaximum: 1, description: 'Share of the answers that arrive before a hedge is sent; 0.99 by default' },
  'delayMinMs?': waitMs('Shortest wait before a hedge; 10 by default'),
  'initialDelayMs?': waitMs('Wait before a hedge while few answers are known; 1,000 by default'),
  'maxShare?': share('Largest share of the requests that is hedged; 0.05 by default'),
});

const breaker = object({
  'failureShare?': { type: 'number', exclusiveMinimum: 0, maximum: 1, description: 'Share of failures that opens it; 0.5 by default' },
  'requestsMin?': atLeast1(1_000_000, 'Requests in the window for a share to count; 20 by default'),
  'windowMs?': timeMs('Window of recent requests; 10,000 by default'),
  'openMs?': timeMs('How long it stays open; 5,000 by default'),
});

const retryBudget = object({
  'share?': { type: 'number', minimum: 0, maximum: 10, description: 'Retries that each request earns; 0.2 by default' },
  'perSecond?': { type: 'number', minimum: 0, maximum: 1_000_000, description: 'Retries a second that are always allowed; 10 by default' },
  'windowMs?': timeMs('How long requests and retries count; 10,000 by default'),
});

const slowStart = object({
  'windowMs?': timeMs('Time in which an endpoint comes up to its weight; 10,000 by default'),
  'aggression?': { type: 'number', exclusiveMinimum: 0, maximum: 100, description: 'More than 1: faster at first; 1 by default' },
  'leastShare?': { type: 'number', exclusiveMinimum: 0, maximum: 1, description: 'Share of its weight that an endpoint begins with; 0.1 by default' },
});

/** The balancers that a route may name: those of `@rollcall/client`, with their default options. */
export const routeBalancers = [
  'peakEwma', 'prequal', 'leastRequest', 'leastConnections', 'c3', 'responseTimeWeighted', 'weightedRoundRobin', 'smoothWeightedRoundRobin', 'roundRobin', 'weightedRandom',
  'uniformRandom', 'pickFirst', 'maglev', 'ringHash', 'rendezvous', 'memento', 'jump', 'boundedLoad',
] as const;

export const routeSchema = object(
  {
    'description?': { type: 'string', maxLength: 1_000, description: 'Why it is so, for people' },
    'select?': selectorSchema,
    'canary?': canary,
    'weights?': {
      type: 'array',
      minItems: 1,
      maxItems: routeLimits.weightsMax,
      items: object({ select: selectorSchema, weight: { type: 'number', minimum: 0, maximum: 1_000, description: 'Factor of the weights of these instances; 0: chosen only if no other is left' } }),
      description: 'Factors of the weights of instances; the first entry that selects an instance counts',
    },
    'subset?': object({ size: atLeast1(1_000_000, 'Instances that each client uses') }),
    'timeoutMs?': timeMs('Time for a whole request, its retries included'),
    'tryTimeoutMs?': timeMs('Longest time of one try'),
    'triesMax?': atLeast1(100, 'Most tries of one request, the first included; 3 by default'),
    'retryBudget?': retryBudget,
    'retryAfterMaxMs?': waitMs('Longest wait for an instance that answered Retry-After; 5,000 by default'),
    'hedging?': { anyOf: [hedging, no], description: 'When a second try is sent beside the first; false: never' },
    'ejection?': ejection,
    'panicThreshold?': share('Share of the instances that must be passing or warning; while fewer are, critical ones are used, too; 0 by default'),
    'breaker?': breaker,
    'endpointRequestsMax?': atLeast1(1_000_000, 'Requests that one instance may have in flight from each client'),
    'requestsMax?': atLeast1(1_000_000, 'Requests of each client in flight; 10,000 by default'),
    'balancer?': { type: 'string', enum: routeBalancers, description: 'Chooses the instance; with its default options' },
    'slowStart?': slowStart,
    'keyHeader?': header,
  },
  'Rules for the requests to a service, which its clients follow',
);

/** The rules of a service. A word that is absent is left to the client's own options. */
export type Route = Shaped<typeof routeSchema>;

/** The words that a route may have. */
export const routeWords = Object.keys(routeSchema.properties ?? {}) as readonly (keyof Route)[];

/** Which instances a rule is about. */
export type RouteSelector = NonNullable<Route['select']>;

export type RouteBalancer = (typeof routeBalancers)[number];

/** @returns the route, or what is wrong with it, for people */
export function checkRoute(value: unknown): { readonly ok: true; readonly route: Route } | { readonly ok: false; readonly message: string } {
  const message = faultIn(value, routeSchema, 'the route') ?? faultBetween(value as Route);
  return message === undefined ? { ok: true, route: value as Route } : { ok: false, message };
}

/** Rules between words. */
function faultBetween({ canary: given, ejection: ejected }: Route): string | undefined {
  if (given?.headerValue !== undefined && given.header === undefined) return 'canary.headerValue needs canary.header, the name of the header that has it';
  const { baseMs = 1_000, maxMs = 30_000 } = ejected ?? {};
  if (baseMs > maxMs) return `ejection.baseMs is ${baseMs}, it must be at most ejection.maxMs, which is ${maxMs}`;
  return undefined;
}
