/** Client of Rollcall: registration, discovery, balanced requests, keys and values. */

export { connect } from './connect.ts';
export type { ConnectOptions, ConnectSurroundings } from './connect.ts';
export type { Rollcall } from './client.ts';
export type { ConnectionEvent } from './session/session.ts';
export type { RegisterOptions, Registration, RegistrationChange, WaitOptions } from './registration.ts';
export type { Kv, KvDeleteOptions, KvEntry, KvPutOptions, KvSnapshot, KvTarget } from './kv.ts';
export type { Clock, Random } from './clock.ts';
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
export { SeededRandom } from './balancer/seeded-random.ts';
export type { RandomSource } from './balancer/seeded-random.ts';
export { uniformRandom } from './balancer/uniform-random.ts';
export type { EjectionOptions } from './resilience/ejection.ts';
export type { RetryBudgetOptions } from './resilience/retry-budget.ts';
