/** The answer of `GET /rollcall/v1/overview`: what is wrong, or under way, besides the health of services. */

import { object, type Shaped } from '../schema.ts';
import { count, missing, name, text, time } from './values.ts';

const config = { app: text, name: text, cluster: text } as const;
const kind = <const K extends string>(word: K) => ({ type: 'string', enum: [word] }) as const;

const line = {
  anyOf: [
    object({ kind: kind('freeze'), sinceMs: time, untilMs: time, held: { ...count, description: 'Lapsed leases that wait' } }),
    object({ kind: kind('fewer'), name, instances: count, normally: count }, 'A service with fewer instances than normally'),
    object({ kind: kind('node'), name }, 'A node of which a check is critical'),
    object({ kind: kind('rollout'), ...config, rollout: text, release: count, stage: { ...count, description: 'From 1' }, stages: count, state: { type: 'string', enum: ['running', 'paused'] } }),
    object({ kind: kind('rolled-back'), ...config, atMs: time, message: text }, 'A rollout that its alarm has ended'),
    object({ kind: kind('proposal'), ...config, number: count, by: text, approvals: count, needed: count }, 'An open proposal'),
    object({ kind: kind('not-used'), ...config, clients: count, of: count, error: text }, 'A release that clients were given and do not use'),
    object({ kind: kind('webhook'), name, atMs: time, event: text, tries: count, waiting: { ...count, description: 'Events that wait for it' }, error: text }, 'A webhook whose newest try to deliver has failed; with operator:read only'),
    object({ kind: kind('certificate'), listener: text, of: { type: 'string', enum: ['own', 'authority'] }, subject: text, processes: count, untilMs: time }, 'A certificate that ends soon'),
  ],
} as const;

export const overviewSchema = object({
  lines: { type: 'array', items: line },
  more: { type: 'object', additionalProperties: count, description: 'Lines of each kind that are left out, since there are too many' },
  missing: { ...missing, description: 'Nodes that have not answered which releases their clients use' },
});

export type OverviewLine = Shaped<typeof line>;

export interface Overview {
  readonly lines: readonly OverviewLine[];
  readonly more: Readonly<Partial<Record<OverviewLine['kind'], number>>>;
  readonly missing: readonly string[];
}
