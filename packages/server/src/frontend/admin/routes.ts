/** The visible surface of the admin front end, as a table. */

export type Action = 'metrics' | 'healthz' | 'readyz' | 'status' | 'backup' | 'restore' | 'override';

export interface Route {
  readonly path: string;
  readonly methods: readonly string[];
  readonly action: Action;
  /** Whether pages of other origins are refused (`net/own-origin.ts`). */
  readonly guarded: boolean;
}

const read = ['GET', 'HEAD'];

export const routes: readonly Route[] = [
  { path: '/metrics', methods: read, action: 'metrics', guarded: false },
  { path: '/healthz', methods: read, action: 'healthz', guarded: false },
  { path: '/readyz', methods: read, action: 'readyz', guarded: false },
  { path: '/rollcall/v1/status', methods: read, action: 'status', guarded: true },
  { path: '/rollcall/v1/backup', methods: ['GET'], action: 'backup', guarded: true },
  { path: '/rollcall/v1/restore', methods: ['PUT', 'POST'], action: 'restore', guarded: true },
  { path: '/rollcall/v1/expiry/override', methods: ['POST'], action: 'override', guarded: true },
];
