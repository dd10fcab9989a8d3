/** The description of znodes. They have no views: front ends observe the changes of their rows (`events.ts`). */

import type { Draft } from '../../draft.ts';
import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { catalogBuckets } from '../catalog/keys.ts';
import { sessionBuckets, sessionKey } from '../session/keys.ts';
import { checkZnode, createZnode, deleteZnode, setAcl, setZnode } from './decide.ts';
import { isBuiltIn } from './find.ts';
import { aclKey, childrenKey, parentOf, znodeBuckets, znodeKey } from './keys.ts';
import { pathBytesMax } from './path.ts';
import { reapZnode } from './reap.ts';
import { releaseZnode, removeZnode } from './remove.ts';
import type { ZnodeAclRow, ZnodeChildrenRow, ZnodeRow } from './rows.ts';

const znode: Kind<ZnodeRow> = {
  format: 1,
  // A node that ends a session must remove its znodes.
  since: 3,
  fields: fieldsOf<ZnodeRow>({
    ...{ namespace: true, path: true, data: true, noData: true, version: true, ctimeMs: true, mtimeMs: true, nth: true },
    ...{ session: true, lifetime: true, ttlMs: true, instance: true },
  }),
  key: ({ namespace, path }) => znodeKey(namespace, path),
  keyBytesMax: pathBytesMax + 20,
  keyFields: ['namespace', 'path'],
  buckets({ namespace, path, session, lifetime, instance }) {
    const names = isBuiltIn(path) ? [] : [znodeBuckets.childrenOf(namespace, parentOf(path))];
    if (session !== undefined) names.push(sessionBuckets.held(namespace, session));
    if (lifetime !== undefined) names.push(znodeBuckets.reaped());
    if (instance === true) names.push(catalogBuckets.boundToInstance(namespace, '', path));
    return names;
  },
  keepsItsBuckets: (before, after) => before.session === after.session && before.lifetime === after.lifetime && before.instance === after.instance,
  parents: ({ namespace, session }) => (session === undefined ? [] : [sessionKey(namespace, session)]),
  release: releaseZnode,
  remove: removeZnode,
  raw: {
    field: 'data',
    split: (row) => ({ json: { ...row, data: undefined }, bytes: row.data }),
    join(fields, bytes) {
      fields['data'] = bytes;
    },
  },
};

const children: Kind<ZnodeChildrenRow> = {
  format: 1,
  since: 3,
  fields: fieldsOf<ZnodeChildrenRow>({ namespace: true, path: true, sequence: true, children: true }),
  key: ({ namespace, path }) => childrenKey(namespace, path),
  keyFields: ['namespace', 'path'],
  keyIsDerived: true,
  // Those that are in the backup have been put, and those that are not will be removed one by one.
  parents: ({ namespace, path }) => (isBuiltIn(path) ? [] : [znodeKey(namespace, path)]),
  restored({ namespace, path, ...row }, draft: Draft) {
    let count = 0;
    for (const _ of draft.unguardedBucket(znodeBuckets.childrenOf(namespace, path))) count++;
    draft.put<ZnodeChildrenRow>({ ...row, namespace, path, children: count });
  },
};

const acl: Kind<ZnodeAclRow> = {
  format: 1,
  since: 3,
  fields: fieldsOf<ZnodeAclRow>({ namespace: true, path: true, acl: true, version: true }),
  key: ({ namespace, path }) => aclKey(namespace, path),
  keyFields: ['namespace', 'path'],
  keyIsDerived: true,
  parents: ({ namespace, path }) => (isBuiltIn(path) ? [] : [znodeKey(namespace, path)]),
};

export const znodeRoom = {
  name: 'znode',
  kinds: { znode, 'znode-children': children, 'znode-acl': acl },
  decisions: {
    'znode-create': { writes: true, decide: createZnode },
    'znode-set': { writes: true, decide: setZnode },
    'znode-delete': { decide: deleteZnode },
    'znode-check': { decide: checkZnode },
    'znode-reap': { decide: reapZnode },
    'znode-set-acl': { writes: true, decide: setAcl },
  },
} satisfies Room;
