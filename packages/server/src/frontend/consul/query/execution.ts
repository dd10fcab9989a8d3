/** The answer of a prepared query over HTTP: in random order, as in Consul, or the nearest first. */

import { nearestFirst } from '../../../net/nearest-first.ts';
import { inOrder, order, select } from '../../../net/slices.ts';
import type { Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import { failedOverTo, type FoundInstance, selectorOf } from '../../../registry/kind/query/execution.ts';
import type { PreparedQuery } from '../../../registry/kind/query/rows.ts';
import { allNodes, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { checkJson, nodeJson, serviceJson, standInNode } from '../catalog/catalog-json.ts';
import { clientAddress } from '../catalog/near.ts';
import { includesNode } from '../catalog/selection.ts';
import type { Call } from '../request/call.ts';
import { placed } from '../request/scope.ts';
import { agentOf } from '../request/virtual-agent.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { type JsonWriter, writeList } from '../wire/json-writer.ts';

/** The cost of an instance: its node, its checks and a random number; and the tags that are compared in a unit of work. */
const unitsPerInstance = 4;
const tagsPerUnit = 8;

/**
 * The writer of a query's result, for `listed`.
 * @throws RegistryError `invalid_argument` for a bad `?limit` or `?connect`
 */
export function execute(call: Call, { service: wanted, ttl }: PreparedQuery) {
  const { context, params } = call;
  const { datacenter } = context.identity;
  const limit = readLimit(params.get('limit'));
  const connect = wanted.connect || (params.has('connect') && params.flag('connect'));
  return function* (state: Frozen, visible: VisibilityFilter, out: JsonWriter): Work<void> {
    const selected = selectorOf(state, { ...wanted, connect });
    const found: Placed[] = [];
    for (const instance of yield* select(instancesOfService(state, call.namespace, wanted.name), () => true, out.pace)) {
      const one = selected(instance);
      if (one !== undefined && includesNode(visible, instance.node) && visible.includes('service', one.instance.service)) {
        found.push({ ...one, node: one.node ?? standInNode(instance), key: context.uuid() });
      }
      if (out.pace.spend(unitsPerInstance + instance.tags.length / tagsPerUnit)) yield;
    }
    // Each row gets a random id as its sort key, since the context provides no other random values.
    const shuffled = yield* inOrder(found, (a, b) => order(a.key, b.key), out.pace);
    const source = sourceOf(call, params.get('near') || wanted.near);
    const sorted =
      source === undefined ? undefined : yield* nearestFirst(state, source, shuffled, ({ node }) => node.name, out.pace);
    const peers = found.length > 0 ? [] : failedOverTo(wanted);
    out.open('{');
    out.key('Service');
    out.value(wanted.name);
    out.key('Nodes');
    yield* writeList(out, (sorted ?? shuffled).slice(0, limit), ({ node, instance, checks }) => ({
      Node: nodeJson(node, datacenter),
      Service: placed(call, instance, serviceJson(instance)),
      Checks: checks.map((check) => placed(call, check, checkJson(check, check.instance === '' ? undefined : instance))),
    }));
    // The last peer that was asked.
    const rest = {
      DNS: { TTL: ttl },
      Datacenter: peers.length > 0 ? '' : datacenter,
      PeerName: peers.at(-1) ?? '',
      Failovers: peers.length,
    };
    for (const [key, value] of Object.entries(rest)) {
      out.key(key);
      out.value(value);
    }
    out.close();
  };
}

type Placed = FoundInstance & { readonly node: RowOf<'node'>; readonly key: string };

/** The node from which distances are measured. */
function sourceOf({ context, exchange }: Call, near: string): string | undefined {
  switch (near) {
    case '':
      return undefined;
    case '_agent':
      return agentOf(exchange.request, context.identity).name;
    case '_ip': {
      const address = clientAddress(exchange.request);
      for (const node of allNodes(context.registry.state)) if (node.address === address) return node.name;
      return undefined;
    }
    default:
      return near;
  }
}

function readLimit(text: string): number {
  if (!/^[+-]?\d{0,9}$/.test(text) || /^[+-]$/.test(text)) {
    throw invalid(`Bad limit: strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  }
  const limit = Number(text);
  return limit > 0 ? limit : Infinity;
}
