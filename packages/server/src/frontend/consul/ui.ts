/**
 * `/v1/internal/ui/`: the three lists that Consul's user interface and dashboards made for it begin with. The
 * interface itself is not served. Shapes: `agent/ui_endpoint.go` of 1.16.
 */

import { find } from '../../registry/reader.ts';
import type { RowOf } from '../../registry/rows.ts';
import type { State } from '../../registry/state.ts';
import { viewOf } from '../../registry/view-name.ts';
import { catalog } from '../../registry/views.ts';
import { healthServiceShape, readFilter } from './filters.ts';
import { formOf, jsonBody, restOf, type Asked, type Query } from './query.ts';
import {
  byNodeThenId,
  checksSeen,
  instanceChecks,
  instanceOf,
  instanceShows,
  instancesSeen,
  nodeChecks,
  readSelection,
  selectInstances,
  selectNodes,
} from './selection.ts';
import type { Sight } from './sight.ts';
import { checkJson, nodeJson, serviceJson } from './translate.ts';

/** `GET /v1/internal/ui/services`: each service with its nodes and the number of its checks by status. */
export function services({ params, datacenter }: Asked): Query {
  const filter = readFilter(params, healthServiceShape);
  const body = jsonBody(params);
  return {
    view: viewOf.services(),
    others: (state) => catalog(state).map(([service]) => viewOf.service(service)),
    name: `${formOf(params)} ui-services${filter.name}`,
    filtered: filter.given,
    shows: instanceShows,
    encode: (state, sight) => {
      const named = catalog(state).filter(([service]) => sight.sees('service', service));
      const entries = named.flatMap(([service]) => entriesOf(state, sight, service, datacenter));
      // In one pass: what the patterns of a filter may cost is counted over all services.
      const byService = new Map<string, Entry[]>();
      for (const entry of filter.apply(entries)) {
        const { service } = entry.instance;
        const known = byService.get(service);
        if (known === undefined) byService.set(service, [entry]);
        else known.push(entry);
      }
      return body([...byService].map(([service, those]) => summary(service, those, datacenter)));
    },
  };
}

const anyInstance = { name: '', tags: [], meta: [] };

/** An instance with the checks that count for it, and as filters see it. */
type Entry = ReturnType<typeof entriesOf>[number];

function entriesOf(state: State, sight: Sight, service: string, datacenter: string) {
  return selectInstances(state, service, anyInstance)
    .filter(instancesSeen(sight))
    .map(({ instance, node }) => {
      const checks = [...nodeChecks(state, node.name), ...instanceChecks(state, instance)];
      const Checks = checks.map((check) => checkJson(check, check.instance === '' ? undefined : instance));
      return { instance, checks, Node: nodeJson(node, datacenter), Service: serviceJson(instance), Checks };
    });
}

function summary(service: string, entries: readonly Entry[], datacenter: string): object {
  // Instances on one node share its checks, which count once.
  const checks = [...new Set(entries.flatMap((entry) => entry.checks))];
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  const sorted = (values: readonly string[]) => (values.length === 0 ? null : [...new Set(values)].sort());
  const kind = entries[0]?.Service['Kind'];
  return {
    ...(kind === undefined ? {} : { Kind: kind }),
    Name: service,
    Datacenter: datacenter,
    Tags: sorted(entries.flatMap(({ instance }) => instance.tags)),
    Nodes: sorted(entries.map(({ instance }) => instance.node)),
    ExternalSources: sorted(entries.flatMap(({ instance }) => instance.meta['external-source'] ?? [])),
    InstanceCount: entries.length,
    ChecksPassing: count('passing'),
    ChecksWarning: count('warning'),
    ChecksCritical: count('critical'),
    GatewayConfig: {},
    TransparentProxy: false,
    ConnectNative: false,
    ConnectedWithProxy: false,
    ConnectedWithGateway: false,
  };
}

/** `GET /v1/internal/ui/nodes`: nodes with their instances and checks. */
export function nodes({ params, datacenter }: Asked): Query {
  const selection = readSelection(params);
  const body = jsonBody(params);
  return {
    view: viewOf.nodes(),
    others: (state) => selectNodes(state, selection).map((row) => viewOf.node(row.name)),
    name: `${formOf(params)} ui-nodes${selection.name}`,
    shows: instanceShows,
    encode: (state, sight) => {
      const seen = selectNodes(state, selection).filter((row) => sight.sees('node', row.name));
      return body(seen.map((row) => nodeInfo(state, sight, row, datacenter)));
    },
  };
}

/** `GET /v1/internal/ui/node/:node`: one of them; 404 when there is none. */
export function node(asked: Asked): Query {
  const { params, datacenter } = asked;
  const name = restOf(asked, 'node name');
  const body = jsonBody(params);
  return {
    view: viewOf.node(name),
    name: `${formOf(params)} ui-node`,
    demand: { resource: 'node', verb: 'read', name },
    shows: ['service'],
    encode: (state, sight) => {
      const row = find.node(state, name);
      return row === undefined ? undefined : body(nodeInfo(state, sight, row, datacenter));
    },
  };
}

function nodeInfo(state: State, sight: Sight, row: RowOf<'node'>, datacenter: string): object {
  const { ID, Node, Address, TaggedAddresses, Meta } = nodeJson(row, datacenter);
  const instances = [...find.instancesOnNode(state, row.name)].filter(({ service }) => sight.sees('service', service));
  const checks = [...find.checksOnNode(state, row.name)].filter(checksSeen(state, sight));
  return {
    ...{ ID, Node, Address, TaggedAddresses, Meta },
    Services: instances.sort(byNodeThenId).map(serviceJson),
    Checks: checks.sort(byNodeThenId).map((check) => checkJson(check, instanceOf(state, check))),
  };
}
