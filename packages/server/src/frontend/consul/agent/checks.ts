/** `/v1/agent/checks` and `/v1/agent/check/…`: the checks of the caller's virtual agent, and heartbeats. */

import { type CheckStatus, RegistryError } from '@rollcall/protocol';
import type { AgentNode } from '../../../net/agent-node.ts';
import { inOrder, select } from '../../../net/slices.ts';
import type { CheckInput, DeregisterCheck, Register } from '../../../registry/kind/catalog/commands.ts';
import { checksOnNode, findCheck, findInstance } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { State } from '../../../registry/state.ts';
import { checkJson } from '../catalog/catalog-json.ts';
import { checkShape, readFilter, wanted } from '../catalog/filters.ts';
import { byNodeThenId, instanceOf, serviceOf } from '../catalog/selection.ts';
import { decodeBody } from '../request/body.ts';
import { type Call, type Handler, type Incoming, listed, principal } from '../request/call.ts';
import { commandEndpoint, endpoint } from '../request/endpoint.ts';
import { inNamespace, namespaceIn, placed } from '../request/scope.ts';
import { agentOf, namedOnAgent, type OnAgent } from '../request/virtual-agent.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { writeObject } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';
import { isStatus, outputMax } from '../wire/vetting.ts';
import { forCheck, forEnrolment, forKnownCheck } from './access.ts';
import { agentCheckInput } from './definitions.ts';
import { enrolment } from './enrolment.ts';
import { agentCheck, checkUpdate } from './schema.ts';
import { keepStatus } from './services.ts';

/** `GET /v1/agent/checks`, with outputs that are not yet in the log. */
export function listChecks(call: Call): Reply {
  const { context, exchange, params } = call;
  const filter = readFilter(params, checkShape);
  const { name } = agentOf(exchange.request, context.identity);
  return listed(call, function* (state, visible, out) {
    const seen = (row: RowOf<'check'>) => {
      if (row.id === serfHealth) return false;
      const service = serviceOf(state, row);
      return service === undefined ? visible.includes('node', row.node) : visible.includes('service', service);
    };
    const own = yield* select(checksOnNode(state, call.namespace, name), seen, out.pace, 1);
    const wants = filter.begin(out.pace);
    yield* writeObject(out, yield* inOrder(own, byNodeThenId, out.pace), (row) => {
      const output = context.health.output(row.namespace, row.node, row.id);
      const json = wanted(wants, placed(call, row, checkJson(row, instanceOf(state, row), output)));
      return json === undefined ? undefined : [row.id, json];
    });
  });
}

interface CheckRegistration {
  readonly namespace: string;
  readonly agent: AgentNode;
  readonly check: CheckInput;
}

/** `PUT /v1/agent/check/register` */
export const registerCheck = commandEndpoint({
  decode: async (incoming): Promise<CheckRegistration> => {
    const agent = agentOf(incoming.exchange.request, incoming.identity);
    const fields = await decodeBody(incoming, agentCheck);
    const namespace = namespaceIn(incoming, fields.Namespace);
    const check = agentCheckInput(fields);
    if (check.id === serfHealth) throw invalid(`check ID ${serfHealth} is the agent's own`);
    return { namespace, agent, check };
  },
  *permissions({ namespace, agent, check }, state) {
    requireInstance(state, namespace, agent.name, check);
    yield* inNamespace(namespace, forCheck(state, namespace, agent.name, check));
    yield* forEnrolment(state, agent);
  },
  command: ({ namespace, agent, check }, { context: { registry, identity } }): Register => {
    requireInstance(registry.state, namespace, agent.name, check);
    const own = enrolment(registry.state, agent, identity);
    const checks = [...own.checks, keepStatus(registry.state, namespace, agent.name, check)];
    return { kind: 'register', namespace, ...own, checks };
  },
  answer: (_done, { namespace, agent, check }, call) => {
    call.context.health.restart(namespace, agent.name, check.id, principal(call));
    return undefined;
  },
});

/** A check of an instance needs that instance. @throws RegistryError `not_found` */
function requireInstance(state: State, namespace: string, node: string, { instance }: CheckInput): void {
  if (instance === undefined || findInstance(state, namespace, node, instance) !== undefined) return;
  throw new RegistryError('not_found', `ServiceID ${JSON.stringify(instance)} does not exist`);
}

/** `PUT /v1/agent/check/deregister/:id` */
export const deregisterCheck = commandEndpoint({
  decode: namedOnAgent,
  permissions: (named, state) => forKnownCheck(state, named),
  command: (named): DeregisterCheck => {
    if (named.id === serfHealth) throw unknownCheck(named.id);
    return { kind: 'deregister-check', ...named };
  },
  answer: (existed, { id }) => {
    if (!existed) throw unknownCheck(id);
    return undefined;
  },
});

interface Heartbeat extends OnAgent {
  readonly status: CheckStatus;
  readonly output: string;
}

/** `PUT /v1/agent/check/{pass,warn,fail}/:id?note=` */
export function report(status: CheckStatus): Handler {
  return heartbeat((incoming) => {
    const { namespace, node, id } = namedOnAgent(incoming);
    return { namespace, node, id, status, output: incoming.params.get('note') };
  });
}

/** `PUT /v1/agent/check/update/:id` */
export const updateCheck = heartbeat(async (incoming) => {
  const named = namedOnAgent(incoming);
  const { Status: status = '', Output: output = '' } = await decodeBody(incoming, checkUpdate);
  if (!isStatus(status)) throw invalid(`Invalid check status: '${status.slice(0, 80)}'`);
  return { ...named, status, output };
});

/** A heartbeat is no command: health submits one only when the status changes. */
function heartbeat(decode: (incoming: Incoming) => Heartbeat | Promise<Heartbeat>): Handler {
  return endpoint({
    decode,
    permissions: (beat, state) => forKnownCheck(state, beat),
    answer: (beat, call) => {
      const { namespace, node, id, status, output } = beat;
      const kept = output.length > outputMax ? output.slice(0, outputMax) : output;
      const known = call.context.health.beat(namespace, node, id, status, kept, principal(call), call.exchange.request.socket);
      // Nearly every heartbeat changes nothing, and is answered without a promise.
      if (known === true) return undefined;
      return known === false ? refuseBeat(beat, call) : known.then((later) => (later ? undefined : refuseBeat(beat, call)));
    },
  });
}

/** @throws RegistryError `not_found` or `failed_precondition` */
function refuseBeat({ namespace, node, id }: OnAgent, { context: { registry } }: Call): never {
  if (id === serfHealth || findCheck(registry.state, namespace, node, id) === undefined) throw unknownCheck(id);
  throw new RegistryError('failed_precondition', `CheckID ${quoted(id)} does not have associated TTL`);
}

function unknownCheck(id: string): RegistryError {
  const message = `Unknown check ID ${quoted(id)}. Ensure that the check ID is passed, not the check name.`;
  return new RegistryError('not_found', message);
}
