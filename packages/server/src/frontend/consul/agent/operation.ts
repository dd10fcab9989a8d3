/**
 * The agent itself: its version, host and metrics; and the calls that change the members of a cluster, answered like
 * in a datacenter with one server.
 */

import { arch, cpus, freemem, hostname, release, totalmem, uptime } from 'node:os';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { findCheck, findNode } from '../../../registry/kind/catalog/find.ts';
import { failedMachines, machinesOf } from '../../../registry/kind/member/find.ts';
import type { Metrics } from '../../../telemetry/metrics.ts';
import type { Call, Handler } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { jsonBody } from '../request/query.ts';
import { buildDate, versionOf } from '../request/server-identity.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';

/** `GET /v1/agent/version` */
export function version({ context, params }: Call): Reply {
  const HumanVersion = versionOf(context.identity);
  return jsonBody(params)({ SHA: '', BuildDate: buildDate, HumanVersion, FIPS: '' });
}

/** `GET /v1/agent/host`: the data that Node.js provides; disks are left out. */
export function host({ context, params }: Call): Reply {
  const [total, free] = [totalmem(), freemem()];
  return jsonBody(params)({
    Memory: { total, available: free, used: total - free, usedPercent: ((total - free) / total) * 100, free },
    CPU: cpus().map(({ model, speed }, cpu) => ({ cpu, modelName: model, mhz: speed, cores: 1 })),
    Host: {
      hostname: hostname(),
      uptime: Math.floor(uptime()),
      os: process.platform,
      kernelVersion: release(),
      kernelArch: arch(),
    },
    Disk: null,
    CollectionTime: context.clock.now() * 1_000_000,
    Errors: null,
  });
}

/** The caller's own agent, which these endpoints are about. */
function onOwnAgent(verb: 'read' | 'write', answer: (agent: string, call: Call) => Reply | Promise<Reply>): Handler {
  return endpoint({
    decode: ({ exchange, identity }) => agentOf(exchange.request, identity).name,
    permissions: (agent) => [permission('agent', verb, agent)],
    answer,
  });
}

/** `GET /v1/agent/metrics`, with `?format=prometheus`. Names are Rollcall's own. */
export const metrics = onOwnAgent('read', async (_agent, { context, params }) => {
  const { registry } = context.metrics;
  if (params.get('format') === 'prometheus') {
    return { status: 200, body: Buffer.from(await registry.metrics()), type: 'text' };
  }
  const found = await registry.getMetricsAsJSON();
  return jsonBody(params)({
    Timestamp: new Date(context.clock.now()).toISOString().replace('T', ' ').replace(/\..*/, ' +0000 UTC'),
    Gauges: valuesOf(found, 'gauge'),
    Points: [],
    // Consul's counters and samples cover the last ten seconds; ours cover the life of the process.
    Counters: valuesOf(found, 'counter').map(({ Name, Value, Labels }) => {
      return { Name, Count: Math.floor(Value), Sum: Value, Labels };
    }),
    Samples: [],
  });
});

/** Labels are strings in Consul; those of histograms are numbers in prom-client. */
function asText(labels: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}

type Found = Awaited<ReturnType<Metrics['registry']['getMetricsAsJSON']>>;

function valuesOf(found: Found, type: string) {
  return found
    .filter((metric) => String(metric.type) === type)
    .flatMap(({ name, values }) =>
      values.map(({ value, labels }) => ({ Name: name, Value: value, Labels: asText(labels) })),
    );
}

/** `PUT /v1/agent/reload`: reads the configuration files again, if there are any. */
export const reload = onOwnAgent('write', async (_agent, { context }) => {
  await context.reload?.();
  return undefined;
});

/** `PUT /v1/agent/join/:address`: an agent may join only itself, since there is no other server. */
export const join = onOwnAgent('write', (_agent, { identity, rest }) => {
  const address = unescapePath(rest).replace(/:\d+$/, '');
  if (['', '127.0.0.1', 'localhost', '[::1]', '::1', identity.address].includes(address)) return undefined;
  throw invalid(`Failed to join ${quoted(address)}: servers share a store and need no gossip`);
});

/** `PUT /v1/agent/leave`: removes the caller's node with everything on it. */
export const leave = onOwnAgent('write', async (agent, { context, identity }) => {
  if (agent === identity.nodeName) throw invalid("the server's own agent cannot leave by a request; stop its process instead");
  await context.registry.submit({ kind: 'deregister-node', node: agent });
  return undefined;
});

/** `PUT /v1/agent/force-leave/:node`: a server that has failed is forgotten, an agent is removed, each with its node. A server that lives stays. */
export async function forceLeave({ context, rest }: Call): Promise<Reply> {
  const { registry, identity } = context;
  const name = unescapePath(rest);
  if (name === identity.nodeName || machinesOf(registry.state).some((machine) => machine.name === name)) return undefined;
  const failed = failedMachines(registry.state).filter((machine) => machine.name === name);
  for (const { nodeId } of failed) await registry.submit({ kind: 'member-forget', nodeId });
  if (failed.length > 0 && findNode(registry.state, name) === undefined) return undefined;
  if (findCheck(registry.state, defaultNamespace, name, serfHealth) === undefined) {
    throw new RegistryError('failed_precondition', `agent: No node found with name '${name.slice(0, 120)}'`);
  }
  await registry.submit({ kind: 'deregister-node', node: name });
  return undefined;
}
