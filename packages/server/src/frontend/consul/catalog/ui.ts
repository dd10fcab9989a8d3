/**
 * `/v1/internal/ui/`: the three lists with which Consul's user interface, and dashboards made for it, start. The
 * interface itself is not included. Shapes: `agent/ui_endpoint.go` of 1.16.
 */

import { inOrder, order, select } from '../../../net/slices.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import { servicesAt } from '../../../registry/kind/catalog/services-at.ts';
import { findNode } from '../../../registry/kind/catalog/find.ts';
import { catalogView, nodeView } from '../../../registry/kind/catalog/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { permission } from '../request/permission.ts';
import { type Place, placesOf, showsOf, viewsOf } from '../request/every-namespace.ts';
import { type Asked, everyNamespace, formOf, type Query, restOf } from '../request/query.ts';
import { placed } from '../request/scope.ts';
import { type JsonWriter, writeList } from '../wire/json-writer.ts';
import { checkJson, nodeJson, serviceJson } from './catalog-json.ts';
import { healthServiceShape, readFilter } from './filters.ts';
import {
  checksSeenOn,
  instanceChecks,
  instanceOf,
  instancesSeenOn,
  instanceShows,
  nodeChecks,
  placesWith,
  readSelection,
  selectInstances,
  selectNodes,
} from './selection.ts';

/** `GET /v1/internal/ui/services`: each service with its nodes and the number of its checks by status. */
export function services(asked: Asked): Query {
  const { namespace, params } = asked;
  const filter = readFilter(params, healthServiceShape);
  return {
    view: catalogView(),
    name: `${formOf(asked)} ui-services${filter.name}`,
    // This is the view of all namespaces.
    filtered: true,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = yield* select(servicesAt(state, namespace), (service) => visible.includes('service', service), out.pace);
      // One pass over all services, so that the cost of the filter's patterns is limited for all of it.
      const wants = filter.given ? filter.begin(out.pace) : undefined;
      out.open('[');
      for (const service of seen) {
        const summary = new Summary(asked, service);
        for (const { instance, node } of yield* selectInstances(state, { namespace, service }, anyInstance, visible, out.pace)) {
          const checks = [...nodeChecks(state, instance.node), ...instanceChecks(state, instance)];
          // Only a filter needs the entry itself.
          if (wants?.(entryJson(asked, instance, node, checks)) !== false) summary.add(instance, checks);
          if (out.pace.spend(unitsPerInstance + instance.tags.length / tagsPerUnit)) yield;
        }
        if (summary.empty) continue;
        if (out.value(yield* summary.json(out.pace))) yield;
      }
      out.close();
    },
  };
}

const anyInstance = { name: '', tags: [], meta: [] };
/** The cost of finding the checks of an instance, and the tags that are put into a set in one unit of work. */
const unitsPerInstance = 3;
const tagsPerUnit = 8;

/** An instance with the checks that count for it, in the form that filters see. */
function entryJson(
  asked: Asked,
  instance: RowOf<'instance'>,
  node: RowOf<'node'>,
  checks: readonly RowOf<'check'>[],
): object {
  const Checks = checks.map((check) => placed(asked, check, checkJson(check, check.instance === '' ? undefined : instance)));
  return { Node: nodeJson(node, asked.datacenter), Service: placed(asked, instance, serviceJson(instance)), Checks };
}

/** Sums up the instances of a service one by one. */
class Summary {
  readonly #asked: Asked;
  readonly #service: string;
  readonly #tags = new Set<string>();
  readonly #nodes = new Set<string>();
  readonly #sources = new Set<string>();
  /** Instances on one node share its checks, which count once. */
  readonly #checks = new Set<RowOf<'check'>>();
  readonly #count = { passing: 0, warning: 0, critical: 0 };
  #instances = 0;
  #first: RowOf<'instance'> | undefined;

  constructor(asked: Asked, service: string) {
    this.#asked = asked;
    this.#service = service;
  }

  get empty(): boolean {
    return this.#instances === 0;
  }

  add(instance: RowOf<'instance'>, checks: readonly RowOf<'check'>[]): void {
    this.#first ??= instance;
    this.#instances++;
    this.#nodes.add(instance.node);
    for (const tag of instance.tags) this.#tags.add(tag);
    const source = instance.meta['external-source'];
    if (source !== undefined) this.#sources.add(source);
    for (const check of checks) {
      if (check.instance === '') {
        if (this.#checks.has(check)) continue;
        this.#checks.add(check);
      }
      this.#count[check.status]++;
    }
  }

  *json(pace: Pace): Work<object> {
    const kind = this.#first && serviceJson(this.#first)['Kind'];
    return placed(this.#asked, this.#asked, {
      ...(kind === undefined ? {} : { Kind: kind }),
      Name: this.#service,
      Datacenter: this.#asked.datacenter,
      Tags: yield* sorted(this.#tags, pace),
      Nodes: yield* sorted(this.#nodes, pace),
      ExternalSources: yield* sorted(this.#sources, pace),
      InstanceCount: this.#instances,
      ChecksPassing: this.#count.passing,
      ChecksWarning: this.#count.warning,
      ChecksCritical: this.#count.critical,
      GatewayConfig: {},
      TransparentProxy: false,
      ConnectNative: false,
      ConnectedWithProxy: false,
      ConnectedWithGateway: false,
    });
  }
}

function* sorted(values: ReadonlySet<string>, pace: Pace): Work<readonly string[] | null> {
  return values.size === 0 ? null : yield* inOrder([...values], order, pace);
}

/** `GET /v1/internal/ui/nodes`: nodes with their instances and checks. */
export function nodes(asked: Asked): Query {
  const { params } = asked;
  const selection = readSelection(params);
  return {
    view: catalogView(),
    name: `${formOf(asked)} ui-nodes${selection.name}`,
    // This is the view of all namespaces.
    filtered: true,
    shows: showsOf(asked, instanceShows),
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const places = placesOf(asked, state, visible);
      out.open('[');
      for (const row of yield* selectNodes(state, selection, (node) => placesWith(node, places).length > 0, out.pace, places.length)) {
        yield* writeNode(state, placesWith(row.name, places), out, row, asked);
      }
      out.close();
    },
  };
}

/** `GET /v1/internal/ui/node/:node`: one of them; 404 for an unknown node. */
export function node(asked: Asked): Query {
  const { params } = asked;
  const name = restOf(asked, 'node name');
  const { view, others } = viewsOf(asked, (namespace) => nodeView(namespace, name));
  const toRead = permission('node', 'read', name);
  return {
    view,
    others,
    name: `${formOf(asked)} ui-node`,
    permission: asked.namespace === everyNamespace ? { ...toRead, somewhere: true } : toRead,
    shows: showsOf(asked, ['service']),
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const row = findNode(state, name);
      if (row === undefined) return false;
      yield* writeNode(state, placesWith(name, placesOf(asked, state, visible)), out, row, asked);
      return undefined;
    },
  };
}

function* writeNode(
  state: Frozen,
  places: readonly Place[],
  out: JsonWriter,
  row: RowOf<'node'>,
  asked: Asked,
): Work<void> {
  const { datacenter } = asked;
  const { ID, Node, Address, TaggedAddresses, Meta } = nodeJson(row, datacenter);
  const { pace } = out;
  out.open('{');
  for (const [key, value] of Object.entries({ ID, Node, Address, TaggedAddresses, Meta })) {
    out.key(key);
    out.value(value);
  }
  out.key('Services');
  yield* writeList(out, yield* instancesSeenOn(row.name, places, state, pace), (one) => placed(asked, one, serviceJson(one)));
  const checks = yield* checksSeenOn(row.name, places, state, pace);
  out.key('Checks');
  yield* writeList(out, checks, (check) => placed(asked, check, checkJson(check, instanceOf(state, check))));
  out.close();
}
