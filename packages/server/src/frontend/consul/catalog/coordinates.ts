/**
 * `/v1/coordinate/`: stores network coordinates for the programs that compute and read them. Rollcall computes
 * none, since servers and clients do not gossip. Sorting by them: `near.ts`.
 */

import { coordinateType, dimensions, type NodeCoordinate, valueOf } from '../../../registry/kind/coordinate/coordinate.ts';
import { findNode } from '../../../registry/kind/catalog/find.ts';
import { nodeView, nodesView } from '../../../registry/kind/catalog/views.ts';
import { findRecord, recordsOfType } from '../../../registry/kind/record/find.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { noNamespace } from '../../../registry/row.ts';
import { decodeBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';
import { inOrder, order, select } from '../wire/slices.ts';
import { coordinateUpdate } from './schema.ts';

/** The start of Serf's algorithm: nothing is measured, so the error is large. */
const origin = { Vec: Array.from({ length: dimensions }, () => 0), Error: 1.5, Adjustment: 0, Height: 1e-5 };

/** `GET /v1/coordinate/datacenters`: the one server, at the origin. */
export function datacenters({ context, params }: Call): Reply {
  const { datacenter, nodeName } = context.identity;
  const Coordinates = [{ Node: nodeName, Segment: '', Coord: origin }];
  return jsonBody(params)([{ Datacenter: datacenter, AreaID: 'wan', Coordinates }]);
}

/** `GET /v1/coordinate/nodes` */
export function nodes(asked: Asked): Query {
  const { params } = asked;
  return {
    view: recordsView(noNamespace, coordinateType),
    others: [nodesView()],
    name: `${formOf(asked)} coordinates`,
    shows: ['node'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      // Coordinates of deleted nodes stay until the next update.
      const seen = ({ id }: RowOf<'record'>) => findNode(state, id) !== undefined && visible.includes('node', id);
      const rows = yield* select(recordsOfType(state, noNamespace, coordinateType), seen, out.pace, 1);
      const sorted = yield* inOrder(rows, (a, b) => order(a.id, b.id), out.pace);
      yield* writeList(out, sorted, coordinateJson);
    },
  };
}

/** `GET /v1/coordinate/node/:node` */
export function node(asked: Asked): Query {
  const name = restOf(asked, 'node name');
  const body = jsonBody(asked.params);
  const row = (state: Reader) =>
    findNode(state, name) === undefined ? undefined : findRecord(state, noNamespace, coordinateType, name);
  return {
    view: recordsView(noNamespace, coordinateType),
    others: [nodeView(asked.namespace, name)],
    name: `${formOf(asked)} coordinate of ${name}`,
    permission: permission('node', 'read', name),
    shows: [],
    encode: (state) => {
      const found = row(state);
      return found === undefined ? undefined : body([coordinateJson(found)]);
    },
  };
}

function coordinateJson(row: RowOf<'record'>): object {
  const { segment, vector, error, adjustment, height } = valueOf(row);
  return { Node: row.id, Segment: segment, Coord: { Vec: vector, Error: error, Adjustment: adjustment, Height: height } };
}

interface Update {
  readonly node: string;
  readonly value: NodeCoordinate;
}

/** `PUT /v1/coordinate/update`; ignores a missing node, as in Consul. */
export const update = endpoint({
  decode: async (incoming): Promise<Update> => {
    const { Node: node = '', Segment = '', Coord = {} } = await decodeBody(incoming, coordinateUpdate);
    const { Vec: given, Error = 0, Adjustment = 0, Height = 0 } = Coord;
    const vector = (Array.isArray(given) ? given : []) as number[];
    const value = { segment: Segment, vector, error: Error, adjustment: Adjustment, height: Height } as NodeCoordinate;
    // With an infinite coordinate, distances would be NaN and could not be sorted.
    const numbers = [...vector, Error, Adjustment, Height].every((part) => Number.isFinite(part));
    if (vector.length !== dimensions || !numbers) throw invalid('incompatible coordinate');
    return { node, value };
  },
  permissions: ({ node }) => [permission('node', 'write', node)],
  answer: async ({ node, value }, { context: { registry } }) => {
    if (findNode(registry.state, node) === undefined) return undefined;
    await registry.submit({ kind: 'record-put', namespace: noNamespace, type: coordinateType, id: node, value: { ...value } });
    for (const { id } of [...recordsOfType(registry.state, noNamespace, coordinateType)]) {
      // Coordinates of deleted nodes.
      if (findNode(registry.state, id) === undefined) {
        await registry.submit({ kind: 'record-delete', namespace: noNamespace, type: coordinateType, id });
      }
    }
    return undefined;
  },
});
