/** `/v1/agent/checks` and `/v1/agent/check/…`: the checks of the caller's virtual agent, and heartbeats. */

import { type CheckStatus, RegistryError } from '@rollcall/protocol';
import { serfHealth } from '../../../registry/known-checks.ts';
import { find } from '../../../registry/reader.ts';
import type { RowOf } from '../../../registry/rows.ts';
import { checkJson } from '../catalog/catalog-json.ts';
import { checkShape, readFilter, wanted } from '../catalog/filters.ts';
import { byNodeThenId, instanceOf, serviceOf } from '../catalog/selection.ts';
import { decodeBody } from '../request/body.ts';
import { type Call, type Handler, listed, principal } from '../request/call.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { writeObject } from '../wire/json-writer.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { inOrder, select } from '../wire/slices.ts';
import { isStatus, outputMax } from '../wire/vetting.ts';
import { demandCheck, demandKnownCheck, enrolmentBy } from './access.ts';
import { agentCheckInput } from './definitions.ts';
import { agentCheck, checkUpdate } from './schema.ts';
import { keepStatus } from './services.ts';

/** `GET /v1/agent/checks`, with outputs that the log does not have yet. */
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
    const own = yield* select(find.checksOnNode(state, call.namespace, name), seen, out.pace, 1);
    const wants = filter.begin(out.pace);
    yield* writeObject(out, yield* inOrder(own, byNodeThenId, out.pace), (row) => {
      const output = context.health.output(row.namespace, row.node, row.id);
      const json = wanted(wants, checkJson(row, instanceOf(state, row), output));
      return json === undefined ? undefined : [row.id, json];
    });
  });
}

/** `PUT /v1/agent/check/register` */
export async function registerCheck(call: Call): Promise<Reply> {
  const { registry, identity } = call.context;
  const agent = agentOf(call.exchange.request, identity);
  const check = agentCheckInput(await decodeBody(call, agentCheck));
  const { instance } = check;
  if (check.id === serfHealth) throw invalid(`check ID ${serfHealth} is the agent's own`);
  if (instance !== undefined && find.instance(registry.state, call.namespace, agent.name, instance) === undefined) {
    throw new RegistryError('not_found', `ServiceID ${JSON.stringify(instance)} does not exist`);
  }
  demandCheck(call, agent.name, check);
  const own = enrolmentBy(call, agent);
  await registry.submit({
    kind: 'register',
    namespace: call.namespace,
    ...own,
    checks: [...own.checks, keepStatus(registry.state, agent.name, check)],
  });
  call.context.health.restart(call.namespace, agent.name, check.id, principal(call));
  return undefined;
}

/** `PUT /v1/agent/check/deregister/:id` */
export async function deregisterCheck(call: Call): Promise<Reply> {
  const { context, exchange, rest } = call;
  const agent = agentOf(exchange.request, context.identity);
  const id = unescapePath(rest);
  demandKnownCheck(call, agent.name, id);
  const existed =
    id !== serfHealth && (await context.registry.submit({ kind: 'deregister-check', namespace: call.namespace, node: agent.name, id }));
  if (!existed) throw unknownCheck(id);
  return undefined;
}

/** `PUT /v1/agent/check/{pass,warn,fail}/:id?note=` */
export function report(status: CheckStatus): Handler {
  return (call) => {
    const { context, exchange, rest, params } = call;
    const { name } = agentOf(exchange.request, context.identity);
    const id = unescapePath(rest);
    demandKnownCheck(call, name, id);
    return beat(call, { node: name, id, status, output: params.get('note') });
  };
}

/** `PUT /v1/agent/check/update/:id` */
export async function updateCheck(call: Call): Promise<Reply> {
  const { name } = agentOf(call.exchange.request, call.context.identity);
  const { Status: status = '', Output: output = '' } = await decodeBody(call, checkUpdate);
  if (!isStatus(status)) throw invalid(`Invalid check status: '${status.slice(0, 80)}'`);
  const id = unescapePath(call.rest);
  demandKnownCheck(call, name, id);
  return beat(call, { node: name, id, status, output });
}

async function beat(
  call: Call,
  { node, id, status, output }: { readonly node: string; readonly id: string; readonly status: CheckStatus; readonly output: string },
): Promise<Reply> {
  const { health, registry } = call.context;
  const kept = output.length > outputMax ? output.slice(0, outputMax) : output;
  const known = await health.beat(call.namespace, node, id, status, kept, principal(call));
  if (known) return undefined;
  if (id === serfHealth || find.check(registry.state, call.namespace, node, id) === undefined) throw unknownCheck(id);
  throw new RegistryError('failed_precondition', `CheckID ${quoted(id)} does not have associated TTL`);
}

function unknownCheck(id: string): RegistryError {
  const message = `Unknown check ID ${quoted(id)}. Ensure that the check ID is passed, not the check name.`;
  return new RegistryError('not_found', message);
}
