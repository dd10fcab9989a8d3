/** `/v1/catalog/`: reads by service and by node, and direct writes. */

import { RegistryError } from '@rollcall/protocol';
import { inOrder, order, select } from '../../../net/slices.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import type { DeregisterCheck, DeregisterInstance, DeregisterNode, Register } from '../../../registry/kind/catalog/commands.ts';
import { findNode, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { catalogView, nodeView, nodesView, serviceView, servicesView } from '../../../registry/kind/catalog/views.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { servicesAt, tagsAt } from '../../../registry/kind/catalog/services-at.ts';
import { decodeBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { commandEndpoint } from '../request/endpoint.ts';
import { placesOf, showsOf, viewsOf } from '../request/every-namespace.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { inNamespace, namespaceIn, placed } from '../request/scope.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import { invalid } from '../wire/errors.ts';
import { type JsonWriter, writeList, writeObject } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';
import { trueBody } from '../wire/responses.ts';
import { forDeregistration, forRegistration } from './access.ts';
import { catalogServiceJson, nodeJson, serviceJson } from './catalog-json.ts';
import { registration, requireInstances } from './definitions.ts';
import { catalogServiceShape, nodeShape, readFilter, serviceShape, wanted } from './filters.ts';
import { readNear } from './near.ts';
import { catalogDeregistration, catalogRegistration } from './schema.ts';
import { instancesSeenOn, instanceShows, placesWith, readSelection, selectInstances, selectNodes } from './selection.ts';
import type { Selection } from './selection.ts';
import { nodeAsShown } from './without-node.ts';

/** `GET /v1/catalog/datacenters` */
export function datacenters({ context, params }: Call): Reply {
  return jsonBody(params)([context.identity.datacenter]);
}

/** `GET /v1/catalog/nodes`. Nodes belong to no namespace, so `?ns` selects nothing here, as in Consul Enterprise. */
export function nodes(asked: Asked): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, nodeShape);
  const selection = readSelection(params);
  const near = readNear(params);
  return {
    view: nodesView(),
    name: `${formOf(asked)} nodes${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: ['node'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = yield* selectNodes(state, selection, (node) => visible.includes('node', node), out.pace);
      const rows = yield* near.sort(state, seen, ({ name }) => name, out.pace);
      const wants = filter.begin(out.pace);
      yield* writeList(out, rows, (row) => wanted(wants, nodeJson(row, datacenter)));
    },
  };
}

/** `GET /v1/catalog/services` */
export function services(asked: Asked): Query {
  const { namespace, params } = asked;
  const filter = readFilter(params, catalogServiceShape);
  const selection = readSelection(params);
  const name = `${formOf(asked)} services${selection.name}${filter.name}`;
  const pretty = params.has('pretty');
  if (selection.meta.length === 0 && !filter.given) {
    return {
      view: servicesView(namespace),
      name,
      shows: ['service'],
      pretty,
      *write(state, visible, out) {
        const all = yield* select(servicesAt(state, namespace), (service) => visible.includes('service', service), out.pace);
        out.open('{');
        for (const service of all) yield* writeTags(out, service, tagsAt(state, namespace, service));
        out.close();
      },
    };
  }
  return {
    // The view of all services does not change when instances move to other nodes; this one does.
    view: catalogView(),
    name,
    filtered: true,
    shows: ['service'],
    pretty,
    *write(state, visible, out) {
      const found = yield* servicesOn(state, visible, { ...asked, selection }, filter.begin(out.pace), out.pace);
      out.open('{');
      for (const service of yield* inOrder([...found.keys()], order, out.pace)) {
        yield* writeTags(out, service, yield* inOrder([...(found.get(service) ?? [])], order, out.pace));
      }
      out.close();
    },
  };
}

function* writeTags(out: JsonWriter, service: string, tags: readonly string[]): Work<void> {
  out.key(service);
  out.open('[');
  for (const tag of tags) if (out.value(tag)) yield;
  out.close();
}

/** Tags that are put into a set in one unit of work. */
const tagsPerUnit = 8;

/** The services with instances on the selected nodes, with the tags of these instances. */
function* servicesOn(
  state: Reader,
  visible: VisibilityFilter,
  asked: Asked & { readonly selection: Selection },
  wants: (value: object) => boolean,
  pace: Pace,
): Work<Map<string, Set<string>>> {
  const { namespace, selection, datacenter } = asked;
  const found = new Map<string, Set<string>>();
  // A caller that may read a service may also read the names of its nodes.
  for (const node of yield* selectNodes(state, selection, () => true, pace)) {
    for (const row of yield* select(instancesOnNode(state, namespace, node.name), () => true, pace)) {
      if (visible.includes('service', row.service) && wants(placed(asked, row, catalogServiceJson(row, node, datacenter)))) {
        const known = found.get(row.service) ?? new Set<string>();
        found.set(row.service, known);
        for (const tag of row.tags) known.add(tag);
      }
      if (pace.spend(1 + row.tags.length / tagsPerUnit)) yield;
    }
  }
  return found;
}

/** `GET /v1/catalog/service/:service` */
export function service(asked: Asked): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, catalogServiceShape);
  const name = restOf(asked, 'service name');
  const selection = readSelection(params);
  const near = readNear(params);
  return {
    view: serviceView(asked.namespace, name),
    name: `${formOf(asked)} catalog-service${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = yield* selectInstances(state, { namespace: asked.namespace, service: name }, selection, visible, out.pace);
      const selected = yield* near.sort(state, seen, ({ node }) => node.name, out.pace);
      const wants = filter.begin(out.pace);
      yield* writeList(out, selected, ({ instance, node }) =>
        wanted(wants, placed(asked, instance, catalogServiceJson(instance, node, datacenter))),
      );
    },
  };
}

/** `GET /v1/catalog/node/:node`: null for an unknown node. */
export function node(asked: Asked): Query {
  return nodeQuery(asked, 'node', function* (out, row, own, wants) {
    if (row === undefined) {
      out.value(null);
      return;
    }
    out.open('{');
    out.key('Node');
    out.value(row);
    out.key('Services');
    yield* writeObject(out, own, (instance) => {
      const json = wanted(wants, placed(asked, instance, serviceJson(instance)));
      return json === undefined ? undefined : [instance.id, json];
    });
    out.close();
  });
}

/** `GET /v1/catalog/node-services/:node` */
export function nodeServices(asked: Asked): Query {
  return nodeQuery(asked, 'node-services', function* (out, row, own, wants) {
    if (row === undefined) {
      out.value({ Node: null, Services: null });
      return;
    }
    out.open('{');
    out.key('Node');
    out.value(row);
    out.key('Services');
    yield* writeList(out, own, (instance) => wanted(wants, placed(asked, instance, serviceJson(instance))));
    out.close();
  });
}

function nodeQuery(
  asked: Asked,
  form: string,
  writeNode: (
    out: JsonWriter,
    node: object | undefined,
    own: readonly RowOf<'instance'>[],
    wants: (value: object) => boolean,
  ) => Work<void>,
): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, serviceShape);
  const name = restOf(asked, 'node name');
  const { view, others } = viewsOf(asked, (namespace) => nodeView(namespace, name));
  return {
    view,
    others,
    name: `${formOf(asked)} ${form}${filter.name}`,
    filtered: filter.given,
    shows: showsOf(asked, instanceShows),
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const row = findNode(state, name);
      const places = row === undefined ? [] : placesWith(name, placesOf(asked, state, visible));
      const shown = row === undefined || places.length === 0 ? undefined : nodeJson(row, datacenter);
      const own = yield* instancesSeenOn(name, places, state, out.pace);
      yield* writeNode(out, shown, own, filter.begin(out.pace));
    },
  };
}

/**
 * `GET /v1/catalog/connect/:service`: there is no service mesh, so the list is empty and never changes.
 * @param entries the fields that a filter may select
 */
export function connect(asked: Asked, entries = catalogServiceShape): Query {
  readFilter(asked.params, entries);
  restOf(asked, 'service name');
  const body = jsonBody(asked.params);
  const name = `${formOf(asked)} connect`;
  return { view: recordsView(asked.namespace, 'consul connect'), name, shows: [], encode: () => body([]) };
}

/** `PUT /v1/catalog/register` */
export const register = commandEndpoint({
  decode: async (incoming): Promise<Register> => {
    const fields = await decodeBody(incoming, catalogRegistration);
    checkDatacenter(fields.Datacenter, incoming.identity.datacenter);
    return registration(incoming, fields);
  },
  permissions: (wanted, state) => {
    requireInstances(state, wanted);
    return inNamespace(wanted.namespace, forRegistration(state, wanted));
  },
  command: (wanted, { context }) => {
    requireInstances(context.registry.state, wanted);
    return wanted;
  },
  answer: () => trueBody,
});

interface Deregistration {
  readonly namespace: string;
  readonly node: string;
  readonly instance: string;
  readonly check: string;
}

/**
 * `PUT /v1/catalog/deregister`: removes a service or a check if the request names one, else the node; true even if it
 * did not exist.
 */
export const deregister = commandEndpoint({
  decode: async (incoming): Promise<Deregistration> => {
    const fields = await decodeBody(incoming, catalogDeregistration);
    const { Datacenter, Node: node = '', ServiceID: instance = '', CheckID: check = '' } = fields;
    checkDatacenter(Datacenter, incoming.identity.datacenter);
    if (node === '') throw invalid('Must provide node');
    return { namespace: namespaceIn(incoming, fields.Namespace), node, instance, check };
  },
  permissions: (named, state, { caller }) => {
    const node = nodeAsShown(state, { ...named, id: named.instance });
    return inNamespace(named.namespace, forDeregistration(state, { ...named, node }, caller));
  },
  command: ({ namespace, node, instance, check }, { context }): DeregisterInstance | DeregisterCheck | DeregisterNode => {
    if (instance !== '') return { kind: 'deregister-instance', namespace, node: nodeAsShown(context.registry.state, { namespace, node, id: instance }), id: instance };
    if (check !== '') return { kind: 'deregister-check', namespace, node, id: check };
    return { kind: 'deregister-node', node };
  },
  answer: () => trueBody,
});

function checkDatacenter(asked: string | undefined, own: string): void {
  if (asked && asked !== own) throw new RegistryError('failed_precondition', 'No path to datacenter');
}
