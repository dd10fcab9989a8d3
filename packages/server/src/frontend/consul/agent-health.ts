/**
 * `/v1/agent/health/service/…`: what a load balancer asks about one instance or service of the caller's
 * agent; the status code says it all (https://developer.hashicorp.com/consul/api-docs/agent/service).
 */

import type { RowOf } from '../../registry/rows.ts';
import { isMaintenance, serfHealth } from '../../registry/known-checks.ts';
import { find } from '../../registry/reader.ts';
import { demand, type Call, type Reply } from './call.ts';
import { jsonBody, restOf } from './query.ts';
import { byNodeThenId, instanceChecks, nodeChecks } from './selection.ts';
import { agentServiceJson, checkJson } from './translate.ts';
import { agentOf, isServersOwn } from './virtual-agent.ts';
import { headerOf } from './wire.ts';

/** From the best to the worst. */
const statuses = ['passing', 'warning', 'critical', 'maintenance'] as const;
type Aggregated = (typeof statuses)[number];

const codes: Readonly<Record<Aggregated, number>> = {
  passing: 200,
  warning: 429,
  critical: 503,
  maintenance: 503,
};

/** `GET /v1/agent/health/service/id/:id` */
export function instanceHealth(call: Call): Reply {
  const id = restOf(call, 'service ID');
  const row = own(call).find((each) => each.id === id);
  if (row === undefined) {
    const absent = { AggregatedStatus: 'critical', Service: null, Checks: null };
    return answer(call, 404, `ServiceId ${id} not found`, absent);
  }
  demand(call, 'service', 'read', row.service);
  const health = healthOf(call, row);
  return answer(call, codes[health.AggregatedStatus], health.AggregatedStatus, health);
}

/** `GET /v1/agent/health/service/name/:name`: the worst of its instances. */
export function serviceHealth(call: Call): Reply {
  const name = restOf(call, 'service Name');
  demand(call, 'service', 'read', name);
  const found = own(call)
    .filter((each) => each.service === name)
    .map((row) => healthOf(call, row));
  if (found.length === 0) return answer(call, 404, `ServiceName ${name} Not Found`, []);
  const status = worst(found.map((each) => each.AggregatedStatus));
  return answer(call, codes[status], status, found);
}

function own({ context: { registry, identity }, exchange }: Call): RowOf<'instance'>[] {
  const { name } = agentOf(exchange.request, identity);
  return [...find.instancesOnNode(registry.state, name)]
    .filter((row) => !isServersOwn(identity, name, row.id))
    .sort(byNodeThenId);
}

function healthOf({ context }: Call, row: RowOf<'instance'>) {
  const { registry, identity, health } = context;
  const { state } = registry;
  const checks = [
    ...nodeChecks(state, row.node).filter(({ id }) => id !== serfHealth),
    ...instanceChecks(state, row),
  ];
  return {
    AggregatedStatus: worst(checks.map(({ id, status }) => (isMaintenance(id) ? 'maintenance' : status))),
    Service: agentServiceJson(row, identity.datacenter),
    Checks: checks.map((check) =>
      checkJson(check, check.instance === '' ? undefined : row, health.output(check.node, check.id)),
    ),
  };
}

function worst(found: readonly Aggregated[]): Aggregated {
  return statuses.findLast((status) => found.includes(status)) ?? 'passing';
}

function answer({ params, exchange }: Call, status: number, reason: string, body: unknown): Reply {
  const accepted = headerOf(exchange.request, 'accept') ?? '';
  const asText = params.get('format') === 'text' || accepted.startsWith('text/plain');
  // Names may hold what a header may not.
  const headers = ['X-Consul-Reason', encodeURI(reason).replaceAll('%20', ' ')];
  if (asText) return { status, body: Buffer.from(reason), type: 'text', headers };
  return { status, body: jsonBody(params)(body), type: 'json', headers };
}
