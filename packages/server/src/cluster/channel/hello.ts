/**
 * The first request on a channel and its answer: the identities of the two nodes. It is JSON, so that a newer version can add
 * fields; unknown fields are ignored.
 */

import { RegistryError } from '@rollcall/protocol';
import { BadMessage } from './bytes.ts';

export interface PeerHello {
  /** Id of the node (`Identity.nodeId`). */
  readonly nodeId: string;
  /** Epoch of its membership; 0 when it is no member. */
  readonly epoch: number;
  /** Of the package. */
  readonly version: string;
  /** Id of the node's store; empty when the node does not know it yet. */
  readonly registryId: string;
  /** Whether it is a worker of the other node's machine. */
  readonly worker?: boolean;
}

export interface PeerWelcome extends PeerHello {
  /** Limits of one transaction; absent where there is no limit. */
  readonly operations?: number;
  readonly bytes?: number;
}

/** Rises with a change that an older node could misunderstand. New methods and fields are no such change. */
const channelProtocol = 1;

const textMax = 255;

export function encodeHello(hello: PeerHello | PeerWelcome): Buffer {
  return Buffer.from(JSON.stringify({ protocol: channelProtocol, ...hello }));
}

/**
 * @throws BadMessage
 * @throws RegistryError `unimplemented` for another protocol
 */
export function decodeHello(body: Buffer): PeerWelcome {
  const fields = parse(body);
  if (fields['protocol'] !== channelProtocol) {
    const message = `the other node speaks protocol ${JSON.stringify(fields['protocol'])} between nodes, this one ${channelProtocol}`;
    throw new RegistryError('unimplemented', `${message}; update the older of the two`);
  }
  return {
    nodeId: text(fields, 'nodeId'),
    epoch: count(fields, 'epoch') ?? 0,
    version: text(fields, 'version'),
    registryId: text(fields, 'registryId'),
    ...(fields['worker'] === true ? { worker: true } : {}),
    ...optional(fields, 'operations'),
    ...optional(fields, 'bytes'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(body: Buffer): Fields {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Fields;
  } catch {
    // Falls through: the reason is the same.
  }
  throw new BadMessage('a hello is no JSON object');
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > textMax) {
    throw new BadMessage(`${name} of a hello must be a text of at most ${textMax} characters`);
  }
  return value;
}

function count(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new BadMessage(`${name} of a hello must be an integer from 0`);
  }
  return value;
}

function optional<K extends 'operations' | 'bytes'>(fields: Fields, name: K): { readonly [key in K]?: number } {
  const value = count(fields, name);
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: number });
}
