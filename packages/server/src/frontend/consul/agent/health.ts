/**
 * `/v1/agent/health/service/…`: reports the health of one instance or service of the caller's agent to load balancers,
 * by the status code of the answer (https://developer.hashicorp.com/consul/api-docs/agent/service).
 */

import { worseStatus, type InstanceStatus } from '@rollcall/protocol';
import { inOrder, select } from '../../../net/slices.ts';
import { statusWith } from '../../../registry/kind/catalog/effective-status.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { State } from '../../../registry/state.ts';
import { agentServiceJson, checkJson } from '../catalog/catalog-json.ts';
import { byNodeThenId, instanceChecks, nodeChecks } from '../catalog/selection.ts';
import { findOnAgent } from '../catalog/without-node.ts';
import { type Call, written } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { jsonBody, restOf } from '../request/query.ts';
import { placed } from '../request/scope.ts';
import { isServersOwn } from '../request/server-identity.ts';
import { agentOf } from '../request/virtual-agent.ts';
import type { Reply } from '../wire/reply.ts';
import { headerOf } from '../wire/responses.ts';

/** By effective status. Consul has no status for an instance that starts or drains: its check fails. */
const answers: Readonly<Record<InstanceStatus, { readonly word: string; readonly code: number }>> = {
  passing: { word: 'passing', code: 200 },
  warning: { word: 'warning', code: 429 },
  starting: { word: 'critical', code: 503 },
  draining: { word: 'critical', code: 503 },
  critical: { word: 'critical', code: 503 },
  maintenance: { word: 'maintenance', code: 503 },
};

/** `GET /v1/agent/health/service/id/:id` */
export const instanceHealth = endpoint({
  decode: (incoming) => {
    const id = restOf(incoming, 'service ID');
    const node = agentOf(incoming.exchange.request, incoming.identity).name;
    return { id, find: (state: State) => (isServersOwn(incoming.identity, node, id) ? undefined : findOnAgent(state, { namespace: incoming.namespace, node, id })) };
  },
  *permissions({ find: found }, state) {
    const row = found(state);
    if (row !== undefined) yield permission('service', 'read', row.service);
  },
  answer: ({ id, find: found }, call) => {
    const { registry } = call.context;
    const row = found(registry.state);
    if (row === undefined) {
      const absent = { AggregatedStatus: 'critical', Service: null, Checks: null };
      return answer(call, 404, `ServiceId ${id} not found`, absent);
    }
    const { status, json } = healthOf(call, registry.state, row);
    const { word, code } = answers[status];
    return answer(call, code, word, json);
  },
});

/** The cost of finding the checks of an instance. */
const unitsPerInstance = 4;

/** `GET /v1/agent/health/service/name/:name`: the worst of its instances. */
export const serviceHealth = endpoint({
  decode: (incoming) => {
    const service = restOf(incoming, 'service Name');
    return { service, node: agentOf(incoming.exchange.request, incoming.identity).name };
  },
  permissions: ({ service }) => [permission('service', 'read', service)],
  answer: serviceHealthAnswer,
});

function serviceHealthAnswer({ service, node }: { readonly service: string; readonly node: string }, call: Call): Reply {
  const { identity } = call;
  return written(call, function* (state, out) {
    const wanted = (row: RowOf<'instance'>) => row.service === service && !isServersOwn(identity, node, row.id);
    const own = yield* select(instancesOnNode(state, call.namespace, node), wanted, out.pace);
    let worst: InstanceStatus = 'passing';
    out.open('[');
    for (const row of yield* inOrder(own, byNodeThenId, out.pace)) {
      const health = healthOf(call, state, row);
      worst = worseStatus(worst, health.status);
      out.value(health.json);
      if (out.pace.spend(unitsPerInstance)) yield;
    }
    out.close();
    const [status, reason] = own.length === 0 ? [404, `ServiceName ${service} Not Found`] : [answers[worst].code, answers[worst].word];
    return { status, headers: reasonHead(reason), ...(wantsText(call) ? { text: reason } : {}) };
  });
}

function healthOf(call: Call, state: Reader, row: RowOf<'instance'>) {
  const { identity, health } = call.context;
  const checks = [
    ...nodeChecks(state, row.node).filter(({ id }) => id !== serfHealth),
    ...instanceChecks(state, row),
  ];
  const status = statusWith(row, checks);
  const json = {
    AggregatedStatus: answers[status].word,
    Service: placed(call, row, agentServiceJson(row, identity.datacenter)),
    Checks: checks.map((check) =>
      placed(
        call,
        check,
        checkJson(check, check.instance === '' ? undefined : row, health.output(check.namespace, check.node, check.id)),
      ),
    ),
  };
  return { status, json };
}

function answer(call: Call, status: number, reason: string, body: unknown): Reply {
  const headers = reasonHead(reason);
  if (wantsText(call)) return { status, body: Buffer.from(reason), type: 'text', headers };
  return { status, body: jsonBody(call.params)(body), type: 'json', headers };
}

function wantsText({ params, exchange }: Call): boolean {
  const accepted = headerOf(exchange.request, 'accept') ?? '';
  return params.get('format') === 'text' || accepted.startsWith('text/plain');
}

/** Names may contain characters that headers may not. */
function reasonHead(reason: string): readonly string[] {
  return ['X-Consul-Reason', encodeURI(reason).replaceAll('%20', ' ')];
}
