/** The description of namespaces. */

import { headOf } from '../../heads.ts';
import { buckets } from '../../reader.ts';
import type { Decision, Kind, Room } from '../../room.ts';
import { keys, type NamespaceRow } from '../../rows.ts';
import { viewOf } from '../../view-name.ts';
import { deleteNamespace, demandNamespace, putNamespace } from './decide.ts';

const namespace: Kind<NamespaceRow> = {
  format: 2,
  key: ({ name }) => keys.namespace(name),
  buckets: () => [buckets.namespaces()],
  addViews: (_row, views) => views.add(viewOf.namespaces()),
};

const decisions = {
  'namespace-put': { decide: putNamespace },
  'namespace-delete': { decide: deleteNamespace },
} satisfies Record<string, Decision>;

export const namespaceRoom: Room = {
  name: 'namespace',
  kinds: { namespace },
  views: { namespaces: { shows: (_view, shown) => shown.has(buckets.namespaces()) } },
  heads: { namespaces: () => headOf.namespaces() },
  decisions,
  admits: { check: demandNamespace },
};
