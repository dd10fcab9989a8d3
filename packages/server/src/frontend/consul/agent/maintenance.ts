/**
 * `/v1/agent/maintenance` and `/v1/agent/service/maintenance/:id`: maintenance mode is a critical check
 * with a reserved name. It removes a node or a service from `?passing` and from DNS answers.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import type { CheckInput } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, findInstance } from '../../../registry/kind/catalog/find.ts';
import { instanceMaintenance, nodeMaintenance } from '../../../registry/kind/catalog/known-checks.ts';
import { placeOnAgent } from '../catalog/without-node.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { agentOf, type OnAgent } from '../request/virtual-agent.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import type { Params } from '../wire/params.ts';
import { vetNotes } from '../wire/vetting.ts';
import { forKnownInstance } from './access.ts';
import { enrolment } from './enrolment.ts';
import { knownToAgent, unknownService } from './services.ts';

interface NodeMaintenance {
  readonly agent: AgentNode;
  /** Undefined to end the maintenance. */
  readonly check: CheckInput | undefined;
}

/** `PUT /v1/agent/maintenance?enable=&reason=` */
export const maintainNode = endpoint({
  decode: ({ exchange, identity, params }): NodeMaintenance => {
    const agent = agentOf(exchange.request, identity);
    const check = maintenance(nodeMaintenance, 'Node Maintenance Mode', reasonOf(params, 'node'));
    return { agent, check: isEnabled(params) ? check : undefined };
  },
  permissions: ({ agent }) => [permission('node', 'write', agent.name)],
  answer: async ({ agent, check }, { context: { registry, identity } }) => {
    const { state } = registry;
    if (check === undefined) {
      await registry.submit({ kind: 'deregister-check', namespace: defaultNamespace, node: agent.name, id: nodeMaintenance });
    } else if (findCheck(state, defaultNamespace, agent.name, nodeMaintenance) === undefined) {
      // As in Consul, enabling it again changes nothing, not even the reason.
      const own = enrolment(state, agent, identity);
      await registry.submit({ kind: 'register', namespace: defaultNamespace, ...own, checks: [...own.checks, check] });
    }
    return undefined;
  },
});

interface ServiceMaintenance extends OnAgent {
  /** Undefined to end the maintenance. */
  readonly check: CheckInput | undefined;
}

/** `PUT /v1/agent/service/maintenance/:id?enable=&reason=` */
export const maintainService = endpoint({
  decode: (incoming): ServiceMaintenance => {
    const { params } = incoming;
    if (incoming.rest === '') throw invalid('Missing service ID');
    const enabled = isEnabled(params);
    const named = knownToAgent(incoming);
    const check = maintenance(instanceMaintenance(named.id), 'Service Maintenance Mode', reasonOf(params, 'service'));
    return { ...named, check: enabled ? { ...check, instance: named.id } : undefined };
  },
  permissions: (named, state) => forKnownInstance(state, placeOnAgent(state, named)),
  answer: async ({ check, ...named }, { context: { registry } }) => {
    const { state } = registry;
    const { namespace, node, id } = placeOnAgent(state, named);
    if (findInstance(state, namespace, node, id) === undefined) throw unknownService(id);
    const checkId = instanceMaintenance(id);
    if (check === undefined) await registry.submit({ kind: 'deregister-check', namespace, node, id: checkId });
    else if (findCheck(state, namespace, node, checkId) === undefined) {
      const existing = { node: { name: node, address: '' }, nodeMode: node === '' ? 'none' : 'exists' } as const;
      await registry.submit({ kind: 'register', namespace, ...existing, checks: [check] });
    }
    return undefined;
  },
});

function isEnabled(params: Params): boolean {
  const text = params.get('enable');
  if (text === '') throw invalid('Missing value for enable');
  try {
    return params.flag('enable');
  } catch {
    throw invalid(`Invalid value for enable: ${quoted(text)}`);
  }
}

function reasonOf(params: Params, what: 'node' | 'service'): string {
  return (
    vetNotes(params.get('reason')) ||
    `Maintenance mode is enabled for this ${what}, but no reason was provided. This is a default message.`
  );
}

function maintenance(id: string, name: string, notes: string): CheckInput {
  return { id, name, notes, status: 'critical', output: '', ...keep({ Type: 'maintenance' }) };
}
