/**
 * `/v1/coordinate/`: stores network coordinates for the programs that compute and read them. Rollcall computes
 * none, since servers and clients do not gossip. Sorting by them: `near.ts`.
 */

import { inOrder, order, select } from '../../../net/slices.ts';
import type { CoordinatePut } from '../../../registry/kind/coordinate/commands.ts';
import { allCoordinates, findCoordinate } from '../../../registry/kind/coordinate/find.ts';
import { type CoordinateRow, dimensions, type NodeCoordinate } from '../../../registry/kind/coordinate/rows.ts';
import { coordinatesView } from '../../../registry/kind/coordinate/views.ts';
import { findNode } from '../../../registry/kind/catalog/find.ts';
import { nodeView, nodesView } from '../../../registry/kind/catalog/views.ts';
import { decodeBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { commandEndpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';
import type { Reply } from '../wire/reply.ts';
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
    view: coordinatesView(),
    others: [nodesView()],
    name: `${formOf(asked)} coordinates`,
    shows: ['node'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      // A store of format 1 may have coordinates of nodes that are gone.
      const seen = ({ node: of }: CoordinateRow) => findNode(state, of) !== undefined && visible.includes('node', of);
      const rows = yield* select(allCoordinates(state), seen, out.pace, 1);
      const sorted = yield* inOrder(rows, (a, b) => order(a.node, b.node), out.pace);
      yield* writeList(out, sorted, coordinateJson);
    },
  };
}

/** `GET /v1/coordinate/node/:node` */
export function node(asked: Asked): Query {
  const name = restOf(asked, 'node name');
  const body = jsonBody(asked.params);
  return {
    view: coordinatesView(),
    others: [nodeView(asked.namespace, name)],
    name: `${formOf(asked)} coordinate of ${name}`,
    permission: permission('node', 'read', name),
    shows: [],
    encode: (state) => {
      const found = findCoordinate(state, name);
      return found === undefined ? undefined : body([coordinateJson(found)]);
    },
  };
}

function coordinateJson({ node: name, segment, vector, error, adjustment, height }: CoordinateRow): object {
  return { Node: name, Segment: segment, Coord: { Vec: vector, Error: error, Adjustment: adjustment, Height: height } };
}

interface Update {
  readonly node: string;
  readonly coordinate: NodeCoordinate;
}

/** `PUT /v1/coordinate/update`; ignores a missing node, as in Consul. */
export const update = commandEndpoint({
  decode: async (incoming): Promise<Update> => {
    const { Node: node = '', Segment = '', Coord = {} } = await decodeBody(incoming, coordinateUpdate);
    const { Vec: given, Error = 0, Adjustment = 0, Height = 0 } = Coord;
    const vector = (Array.isArray(given) ? given : []) as number[];
    const coordinate = { segment: Segment, vector, error: Error, adjustment: Adjustment, height: Height } as NodeCoordinate;
    // With an infinite coordinate, distances would be NaN and could not be sorted.
    const numbers = [...vector, Error, Adjustment, Height].every((part) => Number.isFinite(part));
    if (vector.length !== dimensions || !numbers) throw invalid('incompatible coordinate');
    return { node, coordinate };
  },
  permissions: ({ node }) => [permission('node', 'write', node)],
  command: (request): CoordinatePut => ({ kind: 'coordinate-put', ...request }),
});
