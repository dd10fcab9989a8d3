/** The description of namespaces. */

import { fieldsOf } from '../../fields.ts';
import type { Decision, Kind, Room } from '../../room.ts';
import { deleteNamespace, demandNamespace, putNamespace } from './decide.ts';
import { namespaceBuckets, namespaceKey, namespacesHead } from './keys.ts';
import type { NamespaceRow } from './rows.ts';
import { namespacesView } from './views.ts';

const namespace: Kind<NamespaceRow> = {
  format: 2,
  fields: fieldsOf<NamespaceRow>({ name: true, description: true, meta: true, ending: true, foreign: true }),
  key: ({ name }) => namespaceKey(name),
  keyFields: ['name'],
  buckets: () => [namespaceBuckets.all()],
  addViews: (_row, views) => views.add(namespacesView()),
};

const decisions = {
  'namespace-put': { decide: putNamespace },
  'namespace-delete': { letsOthersPass: true, decide: deleteNamespace },
} satisfies Record<string, Decision>;

export const namespaceRoom = {
  name: 'namespace',
  kinds: { namespace },
  views: { namespaces: { shows: (_view, shown) => shown.has(namespaceBuckets.all()) } },
  heads: { namespaces: () => namespacesHead() },
  decisions,
  admits: { check: demandNamespace },
} satisfies Room;
