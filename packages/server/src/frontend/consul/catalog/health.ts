/** Reads under `/v1/health/`: instances with their checks, and checks by service, node and state. */

import { inOrder, select } from '../../../net/slices.ts';
import type { Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import { statusWith } from '../../../registry/kind/catalog/effective-status.ts';
import { allChecks, checksOnNode, findNode } from '../../../registry/kind/catalog/find.ts';
import { checksView, nodeView, nodesView, serviceView } from '../../../registry/kind/catalog/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { permission } from '../request/permission.ts';
import { type Asked, formOf, type Query, restOf } from '../request/query.ts';
import { placed } from '../request/scope.ts';
import { type JsonWriter, writeList } from '../wire/json-writer.ts';
import { checkJson, nodeJson, serviceJson } from './catalog-json.ts';
import { connect as noMesh } from './catalog.ts';
import { checkShape, healthServiceShape, readFilter, type ReadFilter, wanted } from './filters.ts';
import { readNear } from './near.ts';
import {
  byNodeThenId,
  checksSeen,
  hasMeta,
  instanceChecks,
  instanceOf,
  instanceShows,
  nodeChecks,
  readSelection,
  selectInstances,
} from './selection.ts';

/** `GET /v1/health/service/:service` */
export function serviceInstances(asked: Asked): Query {
  const { params, datacenter } = asked;
  const filter = readFilter(params, healthServiceShape);
  const service = restOf(asked, 'service name');
  const passing = params.flag('passing');
  // No cluster is peered with this one.
  const foreign = params.get('peer') !== '';
  const selection = readSelection(params);
  const near = readNear(params);
  const variant = `${passing ? ' passing' : ''}${foreign ? ' peer' : ''}${selection.name}${near.name}${filter.name}`;
  return {
    view: serviceView(asked.namespace, service),
    name: `${formOf(asked)} health-service${variant}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const checksOn = memo((node: string) => nodeChecks(state, node));
      const seen = foreign ? [] : yield* selectInstances(state, { namespace: asked.namespace, service }, selection, visible, out.pace);
      const selected = yield* near.sort(state, seen, ({ node: { name } }) => name, out.pace);
      const wants = filter.begin(out.pace);
      yield* writeList(out, selected, ({ instance, node }) => {
        const checks = [...checksOn(instance.node), ...instanceChecks(state, instance)];
        if (passing && statusWith(instance, checks) !== 'passing') return undefined;
        return wanted(wants, {
          Node: nodeJson(node, datacenter),
          Service: placed(asked, instance, serviceJson(instance)),
          Checks: checks.map((check) => placed(asked, check, checkJson(check, check.instance === '' ? undefined : instance))),
        });
      });
    },
  };
}

/** `GET /v1/health/connect/:service` */
export function connect(asked: Asked): Query {
  const name = restOf(asked, 'service name');
  return { ...noMesh(asked, healthServiceShape), permission: permission('service', 'read', name) };
}

/** `GET /v1/health/checks/:service` */
export function serviceChecks(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const service = restOf(asked, 'service name');
  const selection = readSelection(params);
  const near = readNear(params);
  return {
    view: serviceView(asked.namespace, service),
    name: `${formOf(asked)} health-checks${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = yield* selectInstances(state, { namespace: asked.namespace, service }, { ...selection, tags: [] }, visible, out.pace);
      const selected = yield* near.sort(state, seen, ({ node }) => node.name, out.pace);
      const wants = filter.begin(out.pace);
      out.open('[');
      for (const { instance } of selected) {
        for (const check of instanceChecks(state, instance)) {
          const json = wanted(wants, placed(asked, check, checkJson(check, instance)));
          if (json !== undefined) out.value(json);
        }
        if (out.pace.spend(1)) yield;
      }
      out.close();
    },
  };
}

/** `GET /v1/health/node/:node` */
export function nodeHealth(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const node = restOf(asked, 'node name');
  return {
    view: nodeView(asked.namespace, node),
    name: `${formOf(asked)} health-node${filter.name}`,
    filtered: filter.given,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const rows = yield* select(checksOnNode(state, asked.namespace, node), checksSeen(state, visible), out.pace, 1);
      yield* writeChecks(asked, state, out, yield* inOrder(rows, byNodeThenId, out.pace), filter);
    },
  };
}

/** `GET /v1/health/state/:state`; an unknown state matches nothing, as in Consul. */
export function checksInState(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const status = restOf(asked, 'check state');
  const selection = readSelection(params);
  const near = readNear(params);
  return {
    view: checksView(asked.namespace),
    // Metadata belongs to nodes, whose changes do not count as changes of checks.
    ...(selection.meta.length === 0 ? {} : { others: [nodesView()] }),
    name: `${formOf(asked)} health-state ${JSON.stringify(status)}${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const ofSelectedNode = memo((name: string) => {
        if (name === '') return selection.meta.length === 0;
        const node = findNode(state, name);
        return node !== undefined && hasMeta(node, selection);
      });
      const seen = checksSeen(state, visible);
      const rows = yield* select(
        allChecks(state, asked.namespace),
        (row) => (status === 'any' || row.status === status) && ofSelectedNode(row.node) && seen(row),
        out.pace,
        1,
      );
      const sorted = yield* inOrder(rows, byNodeThenId, out.pace);
      yield* writeChecks(asked, state, out, yield* near.sort(state, sorted, ({ node }) => node, out.pace), filter);
    },
  };
}

function* writeChecks(
  asked: Asked,
  state: Frozen,
  out: JsonWriter,
  rows: readonly RowOf<'check'>[],
  filter: ReadFilter,
): Work<void> {
  const wants = filter.begin(out.pace);
  yield* writeList(out, rows, (row) => wanted(wants, placed(asked, row, checkJson(row, instanceOf(state, row)))));
}

/** Caches answers by name: many instances share a node. */
function memo<T>(read: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    if (known.has(name)) return known.get(name) as T;
    const value = read(name);
    known.set(name, value);
    return value;
  };
}
