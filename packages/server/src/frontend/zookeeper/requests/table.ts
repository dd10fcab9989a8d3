/** Every request that clients send, and where it is answered. */

import type { AccessRoute } from '../../../security/access.ts';
import * as connection from './connection-requests.ts';
import * as reads from './reads.ts';
import type { RequestTable } from './request.ts';
import * as watches from './watch-requests.ts';
import * as writes from './writes.ts';

export const requestTable: RequestTable = {
  create: writes.create,
  create2: writes.create2,
  createContainer: writes.createContainer,
  createTTL: writes.createTTL,
  delete: writes.deleteZnode,
  exists: reads.exists,
  getData: reads.getData,
  setData: writes.setData,
  getACL: reads.getACL,
  setACL: writes.setACL,
  getChildren: reads.getChildren,
  getChildren2: reads.getChildren2,
  sync: connection.sync,
  ping: connection.ping,
  check: reads.check,
  multi: writes.multi,
  multiRead: reads.multiRead,
  reconfig: connection.reconfig,
  checkWatches: watches.checkWatches,
  removeWatches: watches.removeWatches,
  closeSession: connection.closeSession,
  auth: connection.auth,
  setWatches: watches.setWatches,
  sasl: connection.sasl,
  getEphemerals: reads.getEphemerals,
  getAllChildrenNumber: reads.getAllChildrenNumber,
  setWatches2: watches.setWatches2,
  addWatch: watches.addWatch,
  whoAmI: connection.whoAmI,
};

export const accessOf: readonly AccessRoute[] = Object.entries(requestTable).map(([name, { access }]) => ({ name, access }));
