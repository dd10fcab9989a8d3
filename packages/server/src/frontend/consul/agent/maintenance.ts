/**
 * `/v1/agent/maintenance` and `/v1/agent/service/maintenance/:id`: maintenance mode is a critical check
 * with a name of its own, which takes a node or a service out of `?passing` and DNS answers.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { CheckInput } from '../../../registry/command.ts';
import { instanceMaintenance, nodeMaintenance } from '../../../registry/known-checks.ts';
import { find } from '../../../registry/reader.ts';
import { type Call, demand } from '../request/call.ts';
import { isServersOwn } from '../request/server-identity.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import { type Params, unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { vetNotes } from '../wire/vetting.ts';
import { demandKnownInstance, enrolmentBy } from './access.ts';

/** `PUT /v1/agent/maintenance?enable=&reason=` */
export async function maintainNode(call: Call): Promise<Reply> {
  const { context, exchange, params } = call;
  const { registry, identity } = context;
  const agent = agentOf(exchange.request, identity);
  const enabled = isEnabled(params);
  demand(call, 'node', 'write', agent.name);
  if (!enabled) {
    await registry.submit({ kind: 'deregister-check', namespace: defaultNamespace, node: agent.name, id: nodeMaintenance });
    return undefined;
  }
  // As in Consul, enabling it again changes nothing, the reason included.
  if (find.check(registry.state, defaultNamespace, agent.name, nodeMaintenance) !== undefined) return undefined;
  const own = enrolmentBy(call, agent);
  const check = maintenance(nodeMaintenance, 'Node Maintenance Mode', reasonOf(params, 'node'));
  await registry.submit({ kind: 'register', namespace: call.namespace, ...own, checks: [...own.checks, check] });
  return undefined;
}

/** `PUT /v1/agent/service/maintenance/:id?enable=&reason=` */
export async function maintainService(call: Call): Promise<Reply> {
  const { context, exchange, rest, params } = call;
  const { registry, identity } = context;
  const { name } = agentOf(exchange.request, identity);
  const instance = unescapePath(rest);
  if (instance === '') throw invalid('Missing service ID');
  const enabled = isEnabled(params);
  const known = find.instance(registry.state, call.namespace, name, instance) !== undefined;
  if (!known || isServersOwn(identity, name, instance)) {
    throw new RegistryError(
      'not_found',
      `Unknown service ID ${quoted(instance)}. Ensure that the service ID is passed, not the service name.`,
    );
  }
  demandKnownInstance(call, name, instance);
  const id = instanceMaintenance(instance);
  if (!enabled) {
    await registry.submit({ kind: 'deregister-check', namespace: call.namespace, node: name, id });
    return undefined;
  }
  if (find.check(registry.state, call.namespace, name, id) !== undefined) return undefined;
  const check = maintenance(id, 'Service Maintenance Mode', reasonOf(params, 'service'));
  await registry.submit({
    kind: 'register',
    namespace: call.namespace,
    node: { name, address: '' },
    nodeMode: 'exists',
    checks: [{ ...check, instance }],
  });
  return undefined;
}

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
