/** Reads under `/v1/health/`: instances with their checks, and checks by service, node and state. */

import { find } from '../../registry/reader.ts';
import type { RowOf } from '../../registry/rows.ts';
import type { State } from '../../registry/state.ts';
import { viewOf } from '../../registry/view-name.ts';
import { connect as noMesh } from './catalog.ts';
import { checkShape, healthServiceShape, readFilter, type ReadFilter } from './filters.ts';
import { anyOrder, readNear } from './near.ts';
import { formOf, jsonBody, restOf, type Asked, type Query } from './query.ts';
import {
  byNodeThenId,
  checksSeen,
  hasMeta,
  instanceChecks,
  instanceOf,
  instanceShows,
  instancesSeen,
  nodeChecks,
  readSelection,
  selectInstances,
} from './selection.ts';
import type { Sight } from './sight.ts';
import { checkJson, nodeJson, serviceJson } from './translate.ts';

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
  const body = jsonBody(params);
  const variant = `${passing ? ' passing' : ''}${foreign ? ' peer' : ''}${selection.name}${near.name}${filter.name}`;
  return {
    view: viewOf.service(service),
    name: `${formOf(params)} health-service${variant}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    encode: (state, sight) => {
      if (foreign) return body([]);
      const checksOn = memo((node: string) => nodeChecks(state, node));
      const entries = [];
      const seen = selectInstances(state, service, selection).filter(instancesSeen(sight));
      for (const { instance, node } of near.sort(state, seen, ({ node: { name } }) => name)) {
        const checks = [...checksOn(node.name), ...instanceChecks(state, instance)];
        if (passing && checks.some((check) => check.status !== 'passing')) continue;
        entries.push({
          Node: nodeJson(node, datacenter),
          Service: serviceJson(instance),
          Checks: checks.map((check) => checkJson(check, check.instance === '' ? undefined : instance)),
        });
      }
      return body(filter.apply(entries));
    },
  };
}

/** `GET /v1/health/connect/:service` */
export function connect(asked: Asked): Query {
  const name = restOf(asked, 'service name');
  return { ...noMesh(asked, healthServiceShape), demand: { resource: 'service', verb: 'read', name } };
}

/** `GET /v1/health/checks/:service` */
export function serviceChecks(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const service = restOf(asked, 'service name');
  const selection = readSelection(params);
  const near = readNear(params);
  const body = jsonBody(params);
  return {
    view: viewOf.service(service),
    name: `${formOf(params)} health-checks${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    encode: (state, sight) => {
      const seen = selectInstances(state, service, { ...selection, tags: [] }).filter(instancesSeen(sight));
      const selected = near.sort(state, seen, ({ node }) => node.name);
      const checks = selected.flatMap(({ instance }) =>
        instanceChecks(state, instance).map((check) => checkJson(check, instance)),
      );
      return body(filter.apply(checks));
    },
  };
}

/** `GET /v1/health/node/:node` */
export function nodeHealth(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const node = restOf(asked, 'node name');
  const body = jsonBody(params);
  return {
    view: viewOf.node(node),
    name: `${formOf(params)} health-node${filter.name}`,
    filtered: filter.given,
    shows: instanceShows,
    encode: (state, sight) => body(checksJson(state, sight, [...find.checksOnNode(state, node)], filter)),
  };
}

/** `GET /v1/health/state/:state`; an unknown state matches nothing, as in Consul. */
export function checksInState(asked: Asked): Query {
  const { params } = asked;
  const filter = readFilter(params, checkShape);
  const status = restOf(asked, 'check state');
  const selection = readSelection(params);
  const near = readNear(params);
  const body = jsonBody(params);
  return {
    view: viewOf.checks(),
    // Metadata belongs to nodes, whose changes are no changes of checks.
    ...(selection.meta.length === 0 ? {} : { others: () => [viewOf.nodes()] }),
    name: `${formOf(params)} health-state ${JSON.stringify(status)}${selection.name}${near.name}${filter.name}`,
    filtered: filter.given,
    shapedBy: near.views,
    shows: instanceShows,
    encode: (state, sight) => {
      const ofSelectedNode = memo((name: string) => {
        const node = find.node(state, name);
        return node !== undefined && hasMeta(node, selection);
      });
      const rows = [...find.checks(state)].filter(
        (row) => (status === 'any' || row.status === status) && ofSelectedNode(row.node),
      );
      return body(checksJson(state, sight, rows, filter, near));
    },
  };
}

function checksJson(
  state: State,
  sight: Sight,
  rows: RowOf<'check'>[],
  filter: ReadFilter,
  near = anyOrder,
): readonly unknown[] {
  const seen = rows.filter(checksSeen(state, sight)).sort(byNodeThenId);
  const sorted = near.sort(state, seen, ({ node }) => node);
  return filter.apply(sorted.map((row) => checkJson(row, instanceOf(state, row))));
}

/** Remembers answers by name: many instances share a node. */
function memo<T>(read: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    if (known.has(name)) return known.get(name) as T;
    const value = read(name);
    known.set(name, value);
    return value;
  };
}
