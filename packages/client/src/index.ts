/** Client of Rollcall. */
export type { SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';
export { StaticSource } from './static-source.ts';
export type { StaticInstance } from './static-source.ts';
export { ServiceClient } from './service-client.ts';
export type { Picked, PickOptions, ServiceOptions, ServiceSurroundings } from './service-client.ts';
export type { RequestInit, Response, TryOptions } from './fetch.ts';
export { Endpoint } from './endpoint.ts';
export type { Balancer, BalancerFactory, Outcome, OutcomeResult, PickContext } from './balancer/balancer.ts';
export { leastRequest } from './balancer/least-request.ts';
export { peakEwma } from './balancer/peak-ewma.ts';
export type { PeakEwmaOptions } from './balancer/peak-ewma.ts';
export { roundRobin } from './balancer/round-robin.ts';
export { uniformRandom } from './balancer/uniform-random.ts';
export type { EjectionOptions } from './resilience/ejection.ts';
export type { RetryBudgetOptions } from './resilience/retry-budget.ts';
