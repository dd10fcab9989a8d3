/** `/v1/agent/services` and `/v1/agent/service/…`: the instances of the caller's virtual agent. */

import { createHash } from 'node:crypto';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import { inOrder, select } from '../../../net/slices.ts';
import type { CheckInput, DeregisterInstance, InstanceInput, Register } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { nodeView, serviceView } from '../../../registry/kind/catalog/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { agentServiceJson } from '../catalog/catalog-json.ts';
import { readFilter, serviceShape, wanted } from '../catalog/filters.ts';
import { byNodeThenId } from '../catalog/selection.ts';
import { findOnAgent, placeOnAgent } from '../catalog/without-node.ts';
import { decodeBody } from '../request/body.ts';
import { type Call, type Incoming, listed, principal } from '../request/call.ts';
import { commandEndpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { inNamespace, namespaceIn, placed } from '../request/scope.ts';
import { isServersOwn } from '../request/server-identity.ts';
import { agentOf, namedOnAgent, type OnAgent } from '../request/virtual-agent.ts';
import { quoted } from '../wire/errors.ts';
import { writeObject } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';
import { forEnrolment, forInstance, forKnownCheck, forKnownInstance } from './access.ts';
import { instanceInput, serviceCheckInputs } from './definitions.ts';
import { enrolment } from './enrolment.ts';
import { agentService } from './schema.ts';

/** `GET /v1/agent/services` */
export function listServices(call: Call): Reply {
  const { context, exchange, params } = call;
  const filter = readFilter(params, serviceShape);
  const { identity } = context;
  const { name } = agentOf(exchange.request, identity);
  return listed(call, function* (state, visible, out) {
    const seen = (row: RowOf<'instance'>) => !isServersOwn(identity, name, row.id) && visible.includes('service', row.service);
    const own = yield* select(instancesOnNode(state, call.namespace, name), seen, out.pace);
    const wants = filter.begin(out.pace);
    yield* writeObject(out, yield* inOrder(own, byNodeThenId, out.pace), (row) => {
      const json = wanted(wants, placed(call, row, agentServiceJson(row, identity.datacenter)));
      return json === undefined ? undefined : [row.id, json];
    });
  });
}

/**
 * `GET /v1/agent/service/:id`; waits until the content differs from that of `?hash`.
 * @throws RegistryError `not_found`
 */
export function getService(call: Call): Query {
  const { context, exchange, params } = call;
  const { identity, registry } = context;
  const { name } = agentOf(exchange.request, identity);
  const id = restOf(call, 'service ID');
  const find = (state: Reader) => (isServersOwn(identity, name, id) ? undefined : findOnAgent(state, { namespace: call.namespace, node: name, id }));
  const content = (state: Reader) => {
    const row = find(state);
    return row === undefined ? undefined : placed(call, row, agentServiceJson(row, identity.datacenter));
  };
  const hash = (state: Reader) => {
    const json = content(state);
    if (json === undefined) return undefined;
    return createHash('sha256').update(JSON.stringify(json)).digest('hex').slice(0, hashLength);
  };
  const unknown = () => new RegistryError('not_found', `unknown service ID: ${quoted(id).slice(1, -1)}`);
  const present = find(registry.state);
  if (present === undefined) throw unknown();
  const body = jsonBody(params);
  return {
    view: present.node === '' ? serviceView(call.namespace, present.service) : nodeView(call.namespace, name),
    name: `${formOf(call)} agent-service ${id}`,
    // The node changes for many reasons, which must not wake a watcher of the instance.
    filtered: true,
    permission: permission('service', 'read', present.service),
    shows: ['service'],
    token: { param: 'hash', header: 'X-Consul-Contenthash', of: hash },
    encode: (state, visible) => {
      const json = content(state);
      // Meanwhile the id may have been registered for another service.
      if (json === undefined || !visible.includes('service', json['Service'] as string)) throw unknown();
      return body({ ...json, ContentHash: hash(state) });
    },
  };
}

/** In hexadecimal digits, as many as Consul's 64 bits have. */
const hashLength = 16;

interface ServiceRegistration {
  readonly namespace: string;
  readonly agent: AgentNode;
  readonly instance: InstanceInput;
  readonly checks: readonly CheckInput[];
  readonly replaceChecks: boolean;
}

/** `PUT /v1/agent/service/register` */
export const registerService = commandEndpoint({
  decode: (incoming): Promise<ServiceRegistration> => {
    const agent = agentOf(incoming.exchange.request, incoming.identity);
    return decodeBody(incoming, agentService).then((fields) => {
      const namespace = namespaceIn(incoming, fields.Namespace);
      const instance = instanceInput(fields);
      const { params } = incoming;
      const replaced = params.get('replace-existing-checks');
      return {
        namespace,
        agent,
        instance,
        checks: serviceCheckInputs(fields, instance),
        replaceChecks: params.has('replace-existing-checks') && (replaced === '' || replaced === 'true'),
      };
    });
  },
  *permissions({ namespace, agent, instance, checks }, state) {
    yield* inNamespace(namespace, forInstance(state, namespace, agent.name, instance));
    for (const { id } of checks) yield* inNamespace(namespace, forKnownCheck(state, { namespace, node: agent.name, id }));
    yield* forEnrolment(state, agent);
  },
  command: ({ namespace, agent, instance, checks, replaceChecks }, { context: { registry, identity } }): Register => {
    const own = enrolment(registry.state, agent, identity);
    return {
      kind: 'register',
      namespace,
      node: own.node,
      nodeMode: own.nodeMode,
      instances: [instance],
      checks: [...own.checks, ...checks.map((check) => keepStatus(registry.state, namespace, agent.name, check))],
      replaceChecks,
    };
  },
  answer: (_done, { namespace, agent, checks }, call) => {
    // A registration also counts as a heartbeat, even if it changes nothing.
    for (const { id } of checks) call.context.health.restart(namespace, agent.name, id, principal(call));
    return undefined;
  },
});

/** Keeps the status of an existing check, so that a repeated registration does not change it. */
export function keepStatus(state: Reader, namespace: string, node: string, check: CheckInput): CheckInput {
  if (check.status === undefined || findCheck(state, check.instance === undefined ? defaultNamespace : namespace, node, check.id) === undefined) return check;
  const { status: _initial, ...rest } = check;
  return rest;
}

/** `PUT /v1/agent/service/deregister/:id` */
export const deregisterService = commandEndpoint({
  decode: knownToAgent,
  permissions: (named, state) => forKnownInstance(state, placeOnAgent(state, named)),
  command: (named, { context }): DeregisterInstance => ({ kind: 'deregister-instance', ...placeOnAgent(context.registry.state, named) }),
  answer: (existed, { id }) => {
    if (!existed) throw unknownService(id);
    return undefined;
  },
});

/**
 * The instance in the rest of the path. The server's own instance belongs to no agent.
 * @throws RegistryError `not_found`
 */
export function knownToAgent(incoming: Incoming): OnAgent {
  const named = namedOnAgent(incoming);
  if (isServersOwn(incoming.identity, named.node, named.id)) throw unknownService(named.id);
  return named;
}

/** @param id of an instance, not the name of its service */
export function unknownService(id: string): RegistryError {
  const message = `Unknown service ID ${quoted(id)}. Ensure that the service ID is passed, not the service name.`;
  return new RegistryError('not_found', message);
}
