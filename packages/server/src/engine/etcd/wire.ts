/**
 * The messages and methods of etcd's gRPC API that the engine uses, with only the fields that it reads or writes. Names and numbers
 * are those of etcd's `rpc.proto` and `kv.proto` (https://github.com/etcd-io/etcd/tree/release-3.6/api); unknown fields are skipped.
 */

import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

const proto = `
syntax = "proto3";

message ResponseHeader { uint64 cluster_id = 1; int64 revision = 3; }
message KeyValue { bytes key = 1; int64 mod_revision = 3; bytes value = 5; int64 lease = 6; }

message RangeRequest {
  bytes key = 1; bytes range_end = 2; int64 limit = 3; int64 revision = 4; bool keys_only = 8; int64 min_mod_revision = 10;
}
message RangeResponse { ResponseHeader header = 1; repeated KeyValue kvs = 2; bool more = 3; }
message PutRequest { bytes key = 1; bytes value = 2; int64 lease = 3; }
message DeleteRangeRequest { bytes key = 1; bytes range_end = 2; }
message RequestOp {
  oneof request { RangeRequest request_range = 1; PutRequest request_put = 2; DeleteRangeRequest request_delete_range = 3; }
}
message ResponseOp { oneof response { RangeResponse response_range = 1; } }
message Compare {
  enum CompareResult { EQUAL = 0; GREATER = 1; LESS = 2; NOT_EQUAL = 3; }
  enum CompareTarget { VERSION = 0; CREATE = 1; MOD = 2; VALUE = 3; LEASE = 4; }
  CompareResult result = 1; CompareTarget target = 2; bytes key = 3;
  oneof target_union { int64 mod_revision = 6; }
  bytes range_end = 64;
}
message TxnRequest { repeated Compare compare = 1; repeated RequestOp success = 2; repeated RequestOp failure = 3; }
message TxnResponse { ResponseHeader header = 1; bool succeeded = 2; repeated ResponseOp responses = 3; }

message WatchRequest { oneof request_union { WatchCreateRequest create_request = 1; } }
message WatchCreateRequest {
  bytes key = 1; bytes range_end = 2; int64 start_revision = 3; bool progress_notify = 4; bool fragment = 8;
}
message WatchResponse {
  ResponseHeader header = 1; bool created = 3; bool canceled = 4; int64 compact_revision = 5; string cancel_reason = 6;
  bool fragment = 7; repeated Event events = 11;
}
message Event { enum EventType { PUT = 0; DELETE = 1; } EventType type = 1; KeyValue kv = 2; }

message LeaseGrantRequest { int64 TTL = 1; }
message LeaseGrantResponse { ResponseHeader header = 1; int64 ID = 2; int64 TTL = 3; }
message LeaseRevokeRequest { int64 ID = 1; }
message LeaseRevokeResponse { ResponseHeader header = 1; }
message LeaseKeepAliveRequest { int64 ID = 1; }
message LeaseKeepAliveResponse { ResponseHeader header = 1; int64 ID = 2; int64 TTL = 3; }

message StatusRequest {}
message StatusResponse { ResponseHeader header = 1; string version = 2; uint64 leader = 4; }
message AuthenticateRequest { string name = 1; string password = 2; }
message AuthenticateResponse { ResponseHeader header = 1; string token = 2; }
`;

/** A 64-bit integer: etcd's ids of leases and clusters use all bits. */
export interface Long {
  toNumber(): number;
  toString(): string;
  isZero(): boolean;
}

/** @property cluster_id of the etcd cluster, which a restored snapshot changes */
export interface Header {
  readonly cluster_id: Long;
  readonly revision: Long;
}

export interface KeyValue {
  readonly key: Buffer;
  readonly mod_revision: Long;
  /** Empty when only keys were requested. */
  readonly value: Buffer;
  readonly lease: Long;
}

export interface RangeRequest {
  readonly key: Buffer;
  /** Keys from `key` up to this one, without it; only `key` when absent. */
  readonly range_end?: Buffer;
  readonly limit?: number;
  /** The newest when absent. */
  readonly revision?: number;
  readonly keys_only?: boolean;
  readonly min_mod_revision?: number;
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

export interface PutRequest {
  readonly key: Buffer;
  readonly value: Uint8Array;
  readonly lease?: Long;
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: PutRequest }
  | { readonly request_delete_range: { readonly key: Buffer } };

/** `CompareResult` and `CompareTarget` of etcd, as far as they are used. */
export const compare = { equal: 0, greater: 1, less: 2, mod: 2 } as const;

/** A comparison of revisions; with `range_end`, of all keys in the range. */
export interface Compare {
  readonly result: (typeof compare)['equal' | 'greater' | 'less'];
  readonly target: (typeof compare)['mod'];
  readonly key: Buffer;
  readonly mod_revision: number;
  readonly range_end?: Buffer;
}

export interface TxnRequest {
  readonly compare?: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure?: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range: RangeResponse | null }[];
}

export interface WatchRequest {
  readonly create_request: {
    readonly key: Buffer;
    readonly range_end: Buffer;
    readonly start_revision: number;
    readonly progress_notify?: boolean;
    readonly fragment?: boolean;
  };
}

export interface Event {
  /** 0 for a put, 1 for a deletion. */
  readonly type: number;
  readonly kv: KeyValue;
}

export interface WatchResponse {
  readonly header: Header;
  readonly canceled: boolean;
  /** Above 0 when the revision to start from has been compacted. */
  readonly compact_revision: Long;
  readonly cancel_reason: string;
  /** The rest of these events comes in the next response. */
  readonly fragment: boolean;
  readonly events: readonly Event[];
}

interface LeaseState {
  readonly ID: Long;
  /** Seconds left; 0 when the lease has ended. */
  readonly TTL: Long;
}

export type Method<Q, A> = MethodDefinition<Q, A>;

const root = protobuf.parse(proto, { keepCase: true }).root;
// An empty value is not sent; the library has an array in its place.
(root.lookupType('KeyValue').ctor.prototype as { value: Uint8Array }).value = Buffer.alloc(0);

function method<Q, A>(path: string, request: string, response: string, streams = false): Method<Q, A> {
  const question = root.lookupType(request);
  const answer = root.lookupType(response);
  const encode = (value: Q) => question.encode(value as Record<string, unknown>).finish() as Buffer;
  // The interfaces above say what the messages of the same name have.
  const decode = (bytes: Buffer) => answer.decode(bytes) as unknown as A;
  return {
    path: `/etcdserverpb.${path}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: encode,
    requestDeserialize: (bytes) => question.decode(bytes) as unknown as Q,
    responseSerialize: (value) => answer.encode(value as Record<string, unknown>).finish() as Buffer,
    responseDeserialize: decode,
  };
}

export const methods = {
  range: method<RangeRequest, RangeResponse>('KV/Range', 'RangeRequest', 'RangeResponse'),
  txn: method<TxnRequest, TxnResponse>('KV/Txn', 'TxnRequest', 'TxnResponse'),
  watch: method<WatchRequest, WatchResponse>('Watch/Watch', 'WatchRequest', 'WatchResponse', true),
  leaseGrant: method<{ readonly TTL: number }, LeaseState>('Lease/LeaseGrant', 'LeaseGrantRequest', 'LeaseGrantResponse'),
  leaseRevoke: method<{ readonly ID: Long }, unknown>('Lease/LeaseRevoke', 'LeaseRevokeRequest', 'LeaseRevokeResponse'),
  leaseKeepAlive: method<{ readonly ID: Long }, LeaseState>('Lease/LeaseKeepAlive', 'LeaseKeepAliveRequest', 'LeaseKeepAliveResponse', true),
  status: method<object, { readonly header: Header; readonly version: string; readonly leader: Long }>('Maintenance/Status', 'StatusRequest', 'StatusResponse'),
  authenticate: method<{ readonly name: string; readonly password: string }, { readonly token: string }>('Auth/Authenticate', 'AuthenticateRequest', 'AuthenticateResponse'),
};
