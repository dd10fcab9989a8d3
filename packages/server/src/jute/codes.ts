/** The numbers of ZooKeeper's protocol (`ZooDefs.java`, `KeeperException.java`, `Watcher.java`, `CreateMode.java`, version 3.9). */

/** Types of requests. */
export const opCodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTTL: 21,
  multiRead: 22,
  closeSession: -11,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
} as const;

export type OpName = keyof typeof opCodes;

/** Numbers by which the two ends know packets that answer no request of the program. */
export const xids = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const errorCodes = {
  ok: 0,
  systemError: -1,
  runtimeInconsistency: -2,
  connectionLoss: -4,
  marshallingError: -5,
  unimplemented: -6,
  operationTimeout: -7,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  notReadOnly: -119,
  noWatcher: -121,
  reconfigDisabled: -123,
  quotaExceeded: -125,
  throttledOp: -127,
} as const;

export const eventTypes = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

export type EventType = (typeof eventTypes)[keyof typeof eventTypes];

/** State of the client that an event carries. */
export const syncConnected = 3;

/** Watches that `checkWatches` and `removeWatches` name. */
export const watcherTypes = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;

/** Modes of `addWatch`. */
export const addWatchModes = { persistent: 0, persistentRecursive: 1 } as const;

/** Flags of a created znode. */
export const createModes = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
} as const;

/** Bits of the permissions of an access control list. */
export const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;
