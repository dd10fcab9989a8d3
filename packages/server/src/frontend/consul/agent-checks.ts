/** `/v1/agent/checks` and `/v1/agent/check/…`: the checks of the caller's virtual agent, and heartbeats. */

import { RegistryError, type CheckStatus } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import { find } from '../../registry/reader.ts';
import { agentCheckInput } from './agent-definitions.ts';
import { keepStatus } from './agent-services.ts';
import { decodeBody, type Call, type Handler, type Reply } from './call.ts';
import { agentCheck, checkUpdate } from './definitions.ts';
import { invalid, quoted } from './errors.ts';
import { checkShape, readFilter } from './filters.ts';
import { unescapePath } from './params.ts';
import { byKey, jsonBody } from './query.ts';
import { byNodeThenId, instanceOf } from './selection.ts';
import { checkJson } from './translate.ts';
import { isStatus, outputMax } from './vetting.ts';
import { agentOf, enrolment, serfHealth } from './virtual-agent.ts';

/** `GET /v1/agent/checks`, with outputs that the log does not have yet. */
export function listChecks({ context, exchange, params }: Call): Reply {
  const filter = readFilter(params, checkShape);
  const { state } = context.registry;
  const agent = agentOf(exchange.request, context.identity);
  const own = [...find.checksOnNode(state, agent.name)]
    .filter((row) => row.id !== serfHealth)
    .sort(byNodeThenId)
    .map((row) => checkJson(row, instanceOf(state, row), context.health.output(row.node, row.id)));
  return jsonBody(params)(byKey(filter.apply(own), 'CheckID'));
}

/** `PUT /v1/agent/check/register` */
export async function registerCheck(call: Call): Promise<Reply> {
  const { registry, identity } = call.context;
  const agent = agentOf(call.exchange.request, identity);
  const check = agentCheckInput(await decodeBody(call, agentCheck));
  const { instance } = check;
  if (check.id === serfHealth) throw invalid(`check ID ${serfHealth} is the agent's own`);
  if (instance !== undefined && find.instance(registry.state, agent.name, instance) === undefined) {
    throw new RegistryError('not_found', `ServiceID ${JSON.stringify(instance)} does not exist`);
  }
  const own = enrolment(registry.state, agent, identity);
  await registry.submit({
    kind: 'register',
    ...own,
    checks: [...own.checks, keepStatus(registry.state, agent.name, check)],
  });
  return undefined;
}

/** `PUT /v1/agent/check/deregister/:id` */
export async function deregisterCheck({ context, exchange, rest }: Call): Promise<Reply> {
  const agent = agentOf(exchange.request, context.identity);
  const id = unescapePath(rest);
  const existed =
    id !== serfHealth && (await context.registry.submit({ kind: 'deregister-check', node: agent.name, id }));
  if (!existed) throw unknownCheck(id);
  return undefined;
}

/** `PUT /v1/agent/check/{pass,warn,fail}/:id?note=` */
export function report(status: CheckStatus): Handler {
  return ({ context, exchange, rest, params }) => {
    const { name } = agentOf(exchange.request, context.identity);
    return beat(context, name, unescapePath(rest), status, params.get('note'));
  };
}

/** `PUT /v1/agent/check/update/:id` */
export async function updateCheck(call: Call): Promise<Reply> {
  const { name } = agentOf(call.exchange.request, call.context.identity);
  const { Status: status = '', Output: output = '' } = await decodeBody(call, checkUpdate);
  if (!isStatus(status)) throw invalid(`Invalid check status: '${status.slice(0, 80)}'`);
  return beat(call.context, name, unescapePath(call.rest), status, output);
}

async function beat(
  { health, registry }: Context,
  node: string,
  id: string,
  status: CheckStatus,
  output: string,
): Promise<Reply> {
  const kept = output.length > outputMax ? output.slice(0, outputMax) : output;
  const known = await health.beat(node, id, status, kept);
  if (known) return undefined;
  if (id === serfHealth || find.check(registry.state, node, id) === undefined) throw unknownCheck(id);
  throw new RegistryError('failed_precondition', `CheckID ${quoted(id)} does not have associated TTL`);
}

function unknownCheck(id: string): RegistryError {
  const message = `Unknown check ID ${quoted(id)}. Ensure that the check ID is passed, not the check name.`;
  return new RegistryError('not_found', message);
}
