/** The answer of a prepared query over HTTP: in random order as Consul gives it, or the nearest first. */

import { executeQuery, failedOverTo, type FoundInstance } from '../../registry/prepared-query-execution.ts';
import type { PreparedQuery } from '../../registry/prepared-query.ts';
import { nearestFirst } from '../../registry/coordinate.ts';
import { find } from '../../registry/reader.ts';
import type { Call } from './call.ts';
import { invalid, quoted } from './errors.ts';
import { clientAddress } from './near.ts';
import { instancesSeen } from './selection.ts';
import type { Sight } from './sight.ts';
import { checkJson, nodeJson, serviceJson } from './translate.ts';
import { agentOf } from './virtual-agent.ts';

/** @throws RegistryError `invalid_argument` for a bad `?limit` or `?connect` */
export function execute(call: Call, { Service: wanted, DNS }: PreparedQuery, sight: Sight): object {
  const { context, params } = call;
  const { identity, registry } = context;
  const limit = readLimit(params.get('limit'));
  const Connect = wanted.Connect || (params.has('connect') && params.flag('connect'));
  const found = executeQuery(registry.state, { ...wanted, Connect }).filter(instancesSeen(sight));
  const Nodes = ordered(call, found, params.get('near') || wanted.Near).slice(0, limit);
  const peers = found.length > 0 ? [] : failedOverTo(wanted);
  return {
    Service: wanted.Service,
    Nodes: Nodes.map(({ node, instance, checks }) => ({
      Node: nodeJson(node, identity.datacenter),
      Service: serviceJson(instance),
      Checks: checks.map((check) => checkJson(check, check.instance === '' ? undefined : instance)),
    })),
    DNS,
    // Who was asked last.
    Datacenter: peers.length > 0 ? '' : identity.datacenter,
    PeerName: peers.at(-1) ?? '',
    Failovers: peers.length,
  };
}

function ordered(call: Call, found: readonly FoundInstance[], near: string): readonly FoundInstance[] {
  const shuffled = shuffle(found, call.context.uuid);
  const source = sourceOf(call, near);
  if (source === undefined) return shuffled;
  return nearestFirst(call.context.registry.state, source, shuffled, ({ node }) => node.name) ?? shuffled;
}

/** The node whose nearest are wanted. */
function sourceOf({ context, exchange }: Call, near: string): string | undefined {
  switch (near) {
    case '':
      return undefined;
    case '_agent':
      return agentOf(exchange.request, context.identity).name;
    case '_ip': {
      const address = clientAddress(exchange.request);
      for (const node of find.nodes(context.registry.state)) if (node.address === address) return node.name;
      return undefined;
    }
    default:
      return near;
  }
}

/** By a random key for each; the context's only source of randomness makes ids. */
function shuffle<T>(rows: readonly T[], uuid: () => string): T[] {
  return rows
    .map((row): [string, T] => [uuid(), row])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}

function readLimit(text: string): number {
  if (!/^[+-]?\d{0,9}$/.test(text) || /^[+-]$/.test(text)) {
    throw invalid(`Bad limit: strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  }
  const limit = Number(text);
  return limit > 0 ? limit : Infinity;
}
