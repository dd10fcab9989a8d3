/** The requests of clients: a header that says the type, and a body. */

import { buffer, int, long, record, string, type Codec, type ValueOf } from './codec.ts';
import { opCodes, type OpName } from './codes.ts';
import { JuteInput } from './input.ts';
import { multiReadRequest, multiRequest } from './multi.ts';
import { checkRequest, createRequest, createTtlRequest, deleteRequest, onlyPath, pathAndWatch, setDataRequest } from './operations.ts';
import { JuteOutput } from './output.ts';
import { acls, nothing, paths, requestHeader } from './records.ts';

const watches = { relativeZxid: long, dataWatches: paths, existWatches: paths, childWatches: paths };

const operationsOf = <T>(list: Codec<readonly T[]>) => record({ operations: list });

export const requestBodies = {
  create: createRequest,
  create2: createRequest,
  createContainer: createRequest,
  createTTL: createTtlRequest,
  delete: deleteRequest,
  exists: pathAndWatch,
  getData: pathAndWatch,
  setData: setDataRequest,
  getACL: onlyPath,
  setACL: record({ path: string, acl: acls, version: int }),
  getChildren: pathAndWatch,
  getChildren2: pathAndWatch,
  sync: onlyPath,
  ping: nothing,
  check: checkRequest,
  multi: operationsOf(multiRequest),
  multiRead: operationsOf(multiReadRequest),
  reconfig: record({ joiningServers: string, leavingServers: string, newMembers: string, curConfigId: long }),
  checkWatches: record({ path: string, type: int }),
  removeWatches: record({ path: string, type: int }),
  closeSession: nothing,
  auth: record({ type: int, scheme: string, auth: buffer }),
  setWatches: record(watches),
  sasl: record({ token: buffer }),
  getEphemerals: record({ prefixPath: string }),
  getAllChildrenNumber: onlyPath,
  setWatches2: record({ ...watches, persistentWatches: paths, persistentRecursiveWatches: paths }),
  addWatch: record({ path: string, mode: int }),
  whoAmI: nothing,
} as const satisfies Record<OpName, Codec<object>>;

export type RequestBody<O extends OpName> = ValueOf<(typeof requestBodies)[O]>;
export type Request = { [O in OpName]: { readonly op: O; readonly body: RequestBody<O> } }[OpName];
/** A request of one type, or of several. */
export type RequestOf<O extends OpName> = Extract<Request, { readonly op: O }>;

export interface ReadHeader {
  readonly xid: number;
  readonly type: number;
  /** Undefined for a type that ZooKeeper 3.9 does not have. */
  readonly op: OpName | undefined;
  /** At the body. */
  readonly input: JuteInput;
}

const namesByCode = new Map(Object.entries(opCodes).map(([name, code]) => [code as number, name as OpName]));

/**
 * @param packet without its length
 * @throws RegistryError `invalid_argument` for one that is too short
 */
export function readHeader(packet: Buffer): ReadHeader {
  const input = new JuteInput(packet);
  const { xid, type } = requestHeader.read(input);
  return { xid, type, op: namesByCode.get(type), input };
}

/**
 * The body that follows a header. Bytes behind it are ignored, as in ZooKeeper.
 * @throws RegistryError `invalid_argument`
 */
export function readRequest(op: OpName, input: JuteInput): Request {
  return { op, body: requestBodies[op].read(input) } as Request;
}

/** @returns the packet with its length */
export function encodeRequest<O extends OpName>(xid: number, op: O, body: RequestBody<O>): Buffer {
  const output = new JuteOutput();
  requestHeader.write(output, { xid, type: opCodes[op] });
  (requestBodies[op] as Codec<RequestBody<O>>).write(output, body);
  return output.packet();
}
