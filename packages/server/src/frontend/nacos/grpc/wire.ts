/**
 * The bytes of Nacos' gRPC: one message, `Payload`, for every request, answer and push. Its type is the name of a Java class, its body
 * the JSON of that class in an `Any` without a type URL (Nacos, `api/src/main/proto/nacos_grpc_service.proto`; the recorded clients and
 * servers do the same). It knows no type.
 */

import { RegistryError } from '@rollcall/protocol';
import protobuf from 'protobufjs';

/** Names and numbers of `nacos_grpc_service.proto`; `Any` is that of `google/protobuf/any.proto`. */
const proto = `
syntax = "proto3";
message Metadata { string type = 3; string clientIp = 8; map<string, string> headers = 7; }
message Any { string type_url = 1; bytes value = 2; }
message Payload { Metadata metadata = 2; Any body = 3; }
`;

const payloadType = protobuf.parse(proto, { keepCase: true }).root.lookupType('Payload');

/** The methods of the two services, which have no package. */
export const paths = { unary: '/Request/request', bidi: '/BiRequestStream/requestBiStream' } as const;

export interface Payload {
  /** Of the message: `InstanceRequest`. Empty when the sender gave none. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

export type JsonObject = Readonly<Record<string, unknown>>;

interface Wire {
  readonly metadata?: { readonly type?: string; readonly clientIp?: string; readonly headers?: Record<string, string> } | null;
  readonly body?: { readonly value?: Uint8Array } | null;
}

/** @throws RegistryError `invalid_argument` when the bytes are no Payload, or its body is no JSON object */
export function decodePayload(bytes: Uint8Array): Payload {
  const { metadata, body } = decodeWire(bytes);
  return { type: metadata?.type ?? '', headers: metadata?.headers ?? {}, body: bodyOf(body?.value ?? new Uint8Array()) };
}

/**
 * @param body as JSON
 * @param clientIp address of the sender, in requests
 */
export function encodePayload(type: string, body: string, clientIp?: string, headers?: Readonly<Record<string, string>>): Buffer {
  const metadata = { type, ...(clientIp === undefined ? {} : { clientIp }), ...(headers === undefined ? {} : { headers: { ...headers } }) };
  const written = payloadType.encode({ metadata, body: { value: Buffer.from(body) } } satisfies Wire).finish();
  return Buffer.from(written.buffer, written.byteOffset, written.length);
}

function decodeWire(bytes: Uint8Array): Wire {
  try {
    return payloadType.decode(bytes) as Wire;
  } catch (cause) {
    throw new RegistryError('invalid_argument', `the message of ${bytes.length} bytes is no Payload of Nacos: ${(cause as Error).message}`, { cause });
  }
}

function bodyOf(bytes: Uint8Array): JsonObject {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new RegistryError('invalid_argument', `the body of the message is no JSON in UTF-8: ${(cause as Error).message}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new RegistryError('invalid_argument', 'the body of the message is no JSON object');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
