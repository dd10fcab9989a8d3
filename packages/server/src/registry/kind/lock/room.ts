/** The description of locks and their contenders. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { isOf } from '../../row.ts';
import { sessionBuckets, sessionKey } from '../session/keys.ts';
import type { LockCheck } from './commands.ts';
import { acquire, check, end, release, transfer } from './decide.ts';
import { findContender } from './find.ts';
import { contenderKey, lockBuckets, lockKey } from './keys.ts';
import { LockQueues } from './queues.ts';
import { holds, type ContenderRow, type LockRow } from './rows.ts';
import { contenderView, locksView, lockView } from './views.ts';

const lock: Kind<LockRow> = {
  format: 1,
  // A node that ends a session must give its locks to the next contenders.
  since: 2,
  fields: fieldsOf<LockRow>({ namespace: true, name: true, limit: true, holding: true, waiting: true, shared: true, turn: true, purpose: true, given: true }),
  key: ({ namespace, name }) => lockKey(namespace, name),
  keyFields: ['namespace', 'name'],
  buckets: ({ namespace }) => [lockBuckets.all(namespace)],
  keepsItsBuckets: () => true,
  // The sessions of a backup have ended, and a lock must not get holders beside those that it has.
  notRestored: true,
  lapsed: ({ holding, waiting }) => holding + waiting === 0,
};

const contender: Kind<ContenderRow> = {
  format: 1,
  since: 2,
  fields: fieldsOf<ContenderRow>({ namespace: true, name: true, id: true, session: true, order: true, shared: true, nth: true, left: true, cameMs: true, gotMs: true, value: true }),
  key: ({ namespace, name, id }) => contenderKey(namespace, name, id),
  buckets: (row) => [
    sessionBuckets.held(row.namespace, row.session),
    holds(row) ? lockBuckets.holders(row.namespace, row.name) : lockBuckets.waiters(row.namespace, row.name),
  ],
  addViews(row, views) {
    views.add(locksView(row.namespace));
    if (holds(row)) views.add(lockView(row.namespace, row.name));
  },
  longestView: ({ namespace, name }) => lockView(namespace, name),
  parents: ({ namespace, name, session }) => [lockKey(namespace, name), sessionKey(namespace, session)],
  notRestored: true,
  release: (row, _session, removal) => end(row, removal),
  remove: end,
};

export const lockRoom = {
  name: 'lock',
  kinds: { lock, 'lock-contender': contender },
  views: {
    locks: { shows: ({ namespace }, shown) => shown.has(lockBuckets.all(namespace)) },
    lock: { shows: ({ namespace, name }, shown) => shown.has(lockBuckets.holders(namespace, name)), forgettable: true },
    'lock-contender': {
      revision({ namespace, name: idAndName }, state) {
        const at = idAndName.indexOf('\0');
        const row = findContender(state, namespace, idAndName.slice(at + 1), idAndName.slice(0, at));
        return row?.modified ?? state.keptRevision(locksView(namespace)) ?? state.floor;
      },
    },
  },
  index: { of: ['lock-contender'], make: () => new LockQueues() },
  decisions: {
    'lock-acquire': { writes: true, decide: acquire },
    'lock-release': { decide: release },
    'lock-transfer': { decide: transfer },
    'lock-check': { conditionOn: ({ namespace, name, id }: LockCheck) => contenderKey(namespace, name, id), decide: check },
  },
  wakes: () => ({
    addForRow(row, _present, views) {
      if (isOf<ContenderRow>(row, 'lock-contender')) views.add(contenderView(row.namespace, row.name, row.id));
    },
  }),
} satisfies Room;
