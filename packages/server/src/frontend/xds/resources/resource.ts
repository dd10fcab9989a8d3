/**
 * A resource of xDS, encoded once for all streams. Its version is a hash of its bytes: equal on every node of a store and after every restart,
 * and a change that no client can see is not a new version.
 */

import { createHash } from 'node:crypto';
import { encode, typeUrls, type ResourceType } from '../wire/any.ts';
import { lengthDelimited } from '../wire/frame.ts';

export interface Resource {
  readonly name: string;
  /** Differs from that of every other content of the resource. */
  readonly version: string;
  /** An entry of `DiscoveryResponse.resources`, tag included. */
  readonly sotw: Buffer;
  /** An entry of `DeltaDiscoveryResponse.resources`, tag included. */
  readonly delta: Buffer;
}

/** 80 bits: two contents of one resource must not meet, and an attacker gains nothing if they do. */
const versionLength = 20;

/**
 * @param message as bytes; several buffers are joined
 * @param isShared whether several clients get it: then its forms are kept. Thousands of clients may have thousands of endpoints each; their
 *   messages share the bytes of each endpoint, and a copy of each message would not.
 */
export function resourceOf(type: ResourceType, name: string, message: readonly Buffer[], isShared = true): Resource {
  const hash = createHash('sha1');
  for (const buffer of message) hash.update(buffer);
  const version = hash.digest('hex').slice(0, versionLength);
  return isShared ? new EncodedResource(type, name, version, message) : new ResourceOfOne(type, name, version, message);
}

/** Makes its forms each time. */
class ResourceOfOne implements Resource {
  readonly name: string;
  readonly version: string;
  readonly #type: ResourceType;
  readonly #message: readonly Buffer[];

  constructor(type: ResourceType, name: string, version: string, message: readonly Buffer[]) {
    this.#type = type;
    this.name = name;
    this.version = version;
    this.#message = message;
  }

  get sotw(): Buffer {
    return Buffer.concat(lengthDelimited(2, this.#any()));
  }

  get delta(): Buffer {
    const labels = encode('Resource', { name: this.name, version: this.version });
    return Buffer.concat(lengthDelimited(2, [labels, ...lengthDelimited(2, this.#any())]));
  }

  #any(): readonly Buffer[] {
    return [encode('Any', { type_url: typeUrls[this.#type] }), ...lengthDelimited(2, this.#message)];
  }
}

/** Makes each of the two forms when the first stream needs it. */
class EncodedResource extends ResourceOfOne {
  #sotw: Buffer | undefined;
  #delta: Buffer | undefined;

  override get sotw(): Buffer {
    return (this.#sotw ??= super.sotw);
  }

  override get delta(): Buffer {
    return (this.#delta ??= super.delta);
  }
}
