/** `/v1/catalog/`: what is registered, by service and by node, and direct writes to the book of facts. */

import { RegistryError } from '@rollcall/protocol';
import { find } from '../../registry/reader.ts';
import type { State } from '../../registry/state.ts';
import { viewOf } from '../../registry/view-name.ts';
import { catalog } from '../../registry/views.ts';
import { decodeBody, type Call, type Reply } from './call.ts';
import { demandDeregistration, demandRegistration } from './catalog-access.ts';
import { registration } from './catalog-definitions.ts';
import { catalogDeregistration, catalogRegistration } from './definitions.ts';
import { invalid } from './errors.ts';
import { catalogServiceShape, nodeShape, readFilter, serviceShape, type ReadFilter } from './filters.ts';
import { readNear } from './near.ts';
import { formOf, jsonBody, restOf, type Asked, type Query } from './query.ts';
import {
  byNodeThenId,
  instanceShows,
  instancesSeen,
  order,
  readSelection,
  selectInstances,
  selectNodes,
  type Selection,
} from './selection.ts';
import type { Sight } from './sight.ts';
import { catalogServiceJson, nodeJson, serviceJson } from './translate.ts';
import { trueBody } from './wire.ts';

/** `GET /v1/catalog/datacenters` */
export function datacenters({ context, params }: Call): Reply {
  return jsonBody(params)([context.identity.datacenter]);
}

/** `GET /v1/catalog/nodes` */
export function nodes({ params, datacenter }: Asked): Query {
  const filter = readFilter(params, nodeShape);
  const selection = readSelection(params);
  const near = readNear(params);
  const body = jsonBody(params);
  return {
    view: viewOf.nodes(),
    name: `${formOf(params)} nodes${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: ['node'],
    encode: (state, sight) => {
      const seen = selectNodes(state, selection).filter((row) => sight.sees('node', row.name));
      const rows = near.sort(state, seen, ({ name }) => name);
      return body(filter.apply(rows.map((row) => nodeJson(row, datacenter))));
    },
  };
}

/** `GET /v1/catalog/services` */
export function services({ params, datacenter }: Asked): Query {
  const filter = readFilter(params, catalogServiceShape);
  const selection = readSelection(params);
  const body = jsonBody(params);
  const name = `${formOf(params)} services${selection.name}${filter.name}`;
  if (selection.meta.length === 0 && !filter.given) {
    return {
      view: viewOf.services(),
      name,
      shows: ['service'],
      encode: (state, sight) => body(byName(catalog(state).filter(([service]) => sight.sees('service', service)))),
    };
  }
  // What runs on the selected nodes is no part of the view of all services, but of those nodes' views.
  return {
    view: viewOf.nodes(),
    others: (state) => selectNodes(state, selection).map((row) => viewOf.node(row.name)),
    name,
    filtered: filter.given,
    shows: ['service'],
    encode: (state, sight) => body(byName(servicesOn(state, sight, selection, filter, datacenter))),
  };
}

function servicesOn(
  state: State,
  sight: Sight,
  selection: Selection,
  filter: ReadFilter,
  datacenter: string,
): [string, string[]][] {
  const placed = selectNodes(state, selection).flatMap((node) =>
    [...find.instancesOnNode(state, node.name)]
      .filter((row) => sight.sees('service', row.service))
      .map((row) => catalogServiceJson(row, node, datacenter)),
  );
  const found = new Map<string, Set<string>>();
  for (const { ServiceName, ServiceTags } of filter.apply(placed)) {
    const service = ServiceName as string;
    const known = found.get(service) ?? new Set<string>();
    found.set(service, known);
    for (const tag of ServiceTags as readonly string[]) known.add(tag);
  }
  return [...found]
    .map(([service, tags]): [string, string[]] => [service, [...tags].sort()])
    .sort(([a], [b]) => order(a, b));
}

function byName<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const object = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) object[name] = value;
  return object;
}

/** `GET /v1/catalog/service/:service` */
export function service(asked: Asked): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, catalogServiceShape);
  const name = restOf(asked, 'service name');
  const selection = readSelection(params);
  const near = readNear(params);
  const body = jsonBody(params);
  return {
    view: viewOf.service(name),
    name: `${formOf(params)} catalog-service${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    encode: (state, sight) => {
      const seen = selectInstances(state, name, selection).filter(instancesSeen(sight));
      const selected = near.sort(state, seen, ({ node }) => node.name);
      const entries = selected.map(({ instance, node }) => catalogServiceJson(instance, node, datacenter));
      return body(filter.apply(entries));
    },
  };
}

/** `GET /v1/catalog/node/:node`: null when there is no such node. */
export function node(asked: Asked): Query {
  return nodeQuery(asked, 'node', (row, own) => {
    if (row === undefined) return null;
    return { Node: row, Services: byName(own.map((instance) => [instance.ID as string, instance])) };
  });
}

/** `GET /v1/catalog/node-services/:node` */
export function nodeServices(asked: Asked): Query {
  return nodeQuery(asked, 'node-services', (row, own) =>
    row === undefined ? { Node: null, Services: null } : { Node: row, Services: own },
  );
}

function nodeQuery(
  asked: Asked,
  form: string,
  shape: (node: object | undefined, instances: readonly ReturnType<typeof serviceJson>[]) => unknown,
): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, serviceShape);
  const name = restOf(asked, 'node name');
  const body = jsonBody(params);
  return {
    view: viewOf.node(name),
    name: `${formOf(params)} ${form}${filter.name}`,
    filtered: filter.given,
    shows: instanceShows,
    encode: (state, sight) => {
      const found = find.node(state, name);
      const row = found !== undefined && sight.sees('node', name) ? found : undefined;
      const instances = row === undefined ? [] : [...find.instancesOnNode(state, name)];
      const seen = instances.filter(({ service }) => sight.sees('service', service));
      const own = seen.sort(byNodeThenId).map(serviceJson);
      return body(shape(row === undefined ? undefined : nodeJson(row, datacenter), filter.apply(own)));
    },
  };
}

/**
 * `GET /v1/catalog/connect/:service`: there is no service mesh, so the list is empty and never changes.
 * @param entries what a filter may select from the entries that there would be
 */
export function connect(asked: Asked, entries = catalogServiceShape): Query {
  readFilter(asked.params, entries);
  restOf(asked, 'service name');
  const body = jsonBody(asked.params);
  const name = `${formOf(asked.params)} connect`;
  return { view: viewOf.records('consul connect'), name, shows: [], encode: () => body([]) };
}

/** `PUT /v1/catalog/register` */
export async function register(call: Call): Promise<Reply> {
  const { registry, identity } = call.context;
  const fields = await decodeBody(call, catalogRegistration);
  checkDatacenter(fields.Datacenter, identity.datacenter);
  const command = registration(fields, (name, id) => find.instance(registry.state, name, id) !== undefined);
  demandRegistration(call, command);
  await registry.submit(command);
  return trueBody;
}

/**
 * `PUT /v1/catalog/deregister`: a service or a check if one is named, else the node; true whether it
 * was there or not.
 */
export async function deregister(call: Call): Promise<Reply> {
  const { registry, identity } = call.context;
  const { Datacenter, Node = '', ServiceID, CheckID } = await decodeBody(call, catalogDeregistration);
  checkDatacenter(Datacenter, identity.datacenter);
  if (Node === '') throw invalid('Must provide node');
  demandDeregistration(call, { node: Node, instance: ServiceID, check: CheckID });
  if (ServiceID) await registry.submit({ kind: 'deregister-instance', node: Node, id: ServiceID });
  else if (CheckID) await registry.submit({ kind: 'deregister-check', node: Node, id: CheckID });
  else await registry.submit({ kind: 'deregister-node', node: Node });
  return trueBody;
}

function checkDatacenter(asked: string | undefined, own: string): void {
  if (asked && asked !== own) throw new RegistryError('failed_precondition', 'No path to datacenter');
}
