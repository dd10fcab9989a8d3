/** Resources and other messages as `Any`: a type and the bytes of a message. */

import protobuf from 'protobufjs';
import { schema } from './schema.ts';

const prefix = 'type.googleapis.com/';

/** The types of resources, in the order in which news of them is sent: a route must not name a cluster that the client does not have. */
export const resourceTypes = ['cluster', 'endpoints', 'listener', 'route'] as const;
export type ResourceType = (typeof resourceTypes)[number];

export const typeUrls: Readonly<Record<ResourceType, string>> = {
  cluster: `${prefix}envoy.config.cluster.v3.Cluster`,
  endpoints: `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${prefix}envoy.config.listener.v3.Listener`,
  route: `${prefix}envoy.config.route.v3.RouteConfiguration`,
};

/** Undefined for a type that this server does not have. */
export function typeOf(url: string): ResourceType | undefined {
  return resourceTypes.find((type) => typeUrls[type] === url);
}

export interface Any {
  readonly type_url: string;
  readonly value: Uint8Array;
}

/**
 * @param message name in the schema
 * @param fullName with its package, without the prefix of URLs
 */
export function anyOf(message: string, fullName: string, content: object): Any {
  return { type_url: prefix + fullName, value: encode(message, content) };
}

/** @param message name in the schema */
export function encode(message: string, content: object): Buffer {
  const bytes = typeNamed(message).encode(content).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const types: ReadonlyMap<string, protobuf.Type> = new Map(schema.nestedArray.flatMap((each) => (each instanceof protobuf.Type ? [[each.name, each] as const] : [])));

function typeNamed(message: string): protobuf.Type {
  const type = types.get(message);
  if (type === undefined) throw new Error(`the schema has no message ${message}`);
  return type;
}

/** @throws Error when the bytes are no such message */
export function decode(message: string, bytes: Uint8Array): unknown {
  return typeNamed(message).decode(bytes);
}
