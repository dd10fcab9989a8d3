/** The visible surface of the admin front end, as a table. */

import type { DescribedRoute } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';
import { operations } from './schemas.ts';

export type Action =
  | 'metrics'
  | 'healthz'
  | 'readyz'
  | 'status'
  | 'cluster'
  | 'backup'
  | 'restore'
  | 'override'
  | 'leave'
  | 'instance-status'
  | 'service-record'
  | 'open-api';

export type RouteAccess = Extract<Access, { readonly kind: 'open' | 'demands' | 'demands-by-name' }>;

export interface Route extends DescribedRoute {
  readonly action: Action;
  /**
   * Whether requests from pages of other origins, or for another name than the server's, are refused (`net/own-origin.ts`).
   * Paths that say yes or no only are not guarded: load balancers send any `Host`.
   */
  readonly guarded: boolean;
  /** A permission by name is on the service that the request names; one on an agent is on this server's node. */
  readonly access: RouteAccess;
  /**
   * Whether the audit log records a successful request: it changes what operators rule, or copies the whole registry.
   * `changes`: only methods that change something.
   */
  readonly audited: boolean | 'changes';
}

const read = ['GET', 'HEAD'];
const open = (why: string): RouteAccess => ({ kind: 'open', why });

const table: readonly Omit<Route, 'operations'>[] = [
  {
    ...{ path: '/metrics', methods: read, action: 'metrics', guarded: true, audited: false },
    // As Consul's /v1/agent/metrics.
    access: { kind: 'demands-by-name', resource: 'agent', verb: 'read' },
  },
  {
    ...{ path: '/healthz', methods: read, action: 'healthz', guarded: false, audited: false },
    access: open('supervisors ask it without a token, and learn that the process runs'),
  },
  {
    ...{ path: '/readyz', methods: read, action: 'readyz', guarded: false, audited: false },
    access: open('supervisors and load balancers ask it without a token, and learn yes or no'),
  },
  {
    ...{ path: '/rollcall/v1/status', methods: read, action: 'status', guarded: true, audited: false },
    access: { kind: 'demands', resource: 'operator', verb: 'read' },
  },
  {
    ...{ path: '/rollcall/v1/cluster', methods: read, action: 'cluster', guarded: true, audited: false },
    access: { kind: 'demands', resource: 'operator', verb: 'read' },
  },
  {
    ...{ path: '/rollcall/v1/backup', methods: ['GET'], action: 'backup', guarded: true, audited: true },
    // As Consul's snapshots: tokens and policies are in it.
    access: { kind: 'demands', resource: 'acl', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/restore', methods: ['PUT', 'POST'], action: 'restore', guarded: true, audited: true },
    access: { kind: 'demands', resource: 'acl', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/expiry/override', methods: ['POST'], action: 'override', guarded: true, audited: true },
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/leave', methods: ['POST'], action: 'leave', guarded: true, audited: true },
    access: { kind: 'demands', resource: 'operator', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/instance/status', methods: ['PUT'], action: 'instance-status', guarded: true, audited: true },
    // A token that may write the service may register and remove the instance as well.
    access: { kind: 'demands-by-name', resource: 'service', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/service', methods: [...read, 'PUT', 'DELETE'], action: 'service-record', guarded: true, audited: 'changes' },
    access: { kind: 'demands-by-name', resource: 'service', verb: 'write' },
  },
  {
    ...{ path: '/rollcall/v1/openapi.json', methods: read, action: 'open-api', guarded: true, audited: false },
    access: open('it says what the documentation says, and nothing of this registry'),
  },
];

export const routes: readonly Route[] = table.map((route) => ({ ...route, operations: operations[route.action] }));
