/**
 * MessagePack in the edition that Consul's Raft writes: the first one, which has raw bytes only, with lengths of
 * 5, 16 and 32 bits (https://github.com/msgpack/msgpack/blob/master/spec-old.md). Today's libraries write strings and binary
 * in later formats, which Consul's decoder may not know. Only the types in snapshots: no floats, no extensions.
 */

export type Packed = null | boolean | number | bigint | string | Uint8Array | readonly Packed[] | { readonly [key: string]: Packed };

/** Packs values one after the other into one growing buffer: a registry has hundreds of thousands. */
export class Packer {
  #bytes = Buffer.allocUnsafe(1_024);
  #at = 0;

  /** Bytes that were packed and not yet taken. */
  get length(): number {
    return this.#at;
  }

  /** Takes the bytes that were packed since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  value(value: Packed): void {
    if (value === null) this.byte(0xc0);
    else if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number' || typeof value === 'bigint') this.#integer(value);
    else if (typeof value === 'boolean') this.byte(value ? 0xc3 : 0xc2);
    else if (value instanceof Uint8Array) this.#raw(value);
    else if (isList(value)) {
      this.#head(value.length, 0x90, 0x0f, 0xdc);
      for (const item of value) this.value(item);
    } else {
      const names = Object.keys(value);
      this.#head(names.length, 0x80, 0x0f, 0xde);
      for (const name of names) {
        this.#text(name);
        this.value(value[name] as Packed);
      }
    }
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#head(length, 0xa0, 0x1f, 0xda);
    this.#reserve(length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  #raw(bytes: Uint8Array): void {
    this.#head(bytes.length, 0xa0, 0x1f, 0xda);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @param fixed the type with the length in it, up to `fixedMax`; @param wide the type with 16 bits; the one with 32 bits follows it */
  #head(length: number, fixed: number, fixedMax: number, wide: number): void {
    this.#reserve(5);
    if (length <= fixedMax) this.#bytes[this.#at++] = fixed | length;
    else if (length <= 0xffff) {
      this.#bytes[this.#at] = wide;
      this.#at = this.#bytes.writeUInt16BE(length, this.#at + 1);
    } else {
      this.#bytes[this.#at] = wide + 1;
      this.#at = this.#bytes.writeUInt32BE(length, this.#at + 1);
    }
  }

  #integer(value: number | bigint): void {
    this.#reserve(9);
    if (value >= 0 && value <= 0x7f) this.#bytes[this.#at++] = Number(value);
    else if (value >= 0 && value <= 0xffff_ffff) {
      this.#bytes[this.#at] = 0xce;
      this.#at = this.#bytes.writeUInt32BE(Number(value), this.#at + 1);
    } else if (value >= 0) {
      this.#bytes[this.#at] = 0xcf;
      this.#at = this.#bytes.writeBigUInt64BE(BigInt(value), this.#at + 1);
    } else {
      this.#bytes[this.#at] = 0xd3;
      this.#at = this.#bytes.writeBigInt64BE(BigInt(value), this.#at + 1);
    }
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

export function pack(value: Packed): Buffer {
  const packer = new Packer();
  packer.value(value);
  return packer.take();
}

function isList(value: readonly Packed[] | { readonly [key: string]: Packed }): value is readonly Packed[] {
  return Array.isArray(value);
}

/** The bytes end inside a value. */
export class Incomplete extends Error {}

/** The bytes are not MessagePack. */
export class Unreadable extends Error {}

/** Deeper than any record of Consul, and safe for the stack. */
const depthMax = 64;

/** Reads values, also in later formats. Raw bytes stay bytes, except keys of maps. */
export class Unpacker {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** @throws Incomplete; Unreadable */
  value(depth = 0): Packed {
    if (depth > depthMax) throw new Unreadable('values are nested too deep');
    const type = this.#take(1)[0] as number;
    if (type <= 0x7f) return type;
    if (type >= 0xe0) return type - 0x100;
    if (type <= 0x8f) return this.#map(type & 0x0f, depth);
    if (type <= 0x9f) return this.#list(type & 0x0f, depth);
    if (type <= 0xbf) return this.#take(type & 0x1f);
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xc4:
      case 0xd9:
        return this.#take(this.#length(1));
      case 0xc5:
      case 0xda:
        return this.#take(this.#length(2));
      case 0xc6:
      case 0xdb:
        return this.#take(this.#length(4));
      case 0xca:
        return this.#take(4).readFloatBE(0);
      case 0xcb:
        return this.#take(8).readDoubleBE(0);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#length(1 << (type - 0xcc));
      case 0xcf:
        return this.#take(8).readBigUInt64BE(0);
      case 0xd0:
        return this.#take(1).readInt8(0);
      case 0xd1:
        return this.#take(2).readInt16BE(0);
      case 0xd2:
        return this.#take(4).readInt32BE(0);
      case 0xd3:
        return this.#take(8).readBigInt64BE(0);
      case 0xdc:
        return this.#list(this.#length(2), depth);
      case 0xdd:
        return this.#list(this.#length(4), depth);
      case 0xde:
        return this.#map(this.#length(2), depth);
      case 0xdf:
        return this.#map(this.#length(4), depth);
      default:
        throw new Unreadable(`0x${type.toString(16)} begins no value`);
    }
  }

  #length(bytes: number): number {
    return this.#take(bytes).readUIntBE(0, bytes);
  }

  #take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new Incomplete();
    const taken = this.#bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  #list(length: number, depth: number): Packed[] {
    const items: Packed[] = [];
    for (let index = 0; index < length; index++) items.push(this.value(depth + 1));
    return items;
  }

  #map(length: number, depth: number): { readonly [key: string]: Packed } {
    const fields = Object.create(null) as Record<string, Packed>;
    for (let index = 0; index < length; index++) {
      const key = this.value(depth + 1);
      if (!(key instanceof Uint8Array)) throw new Unreadable('a field has no name');
      fields[Buffer.from(key).toString()] = this.value(depth + 1);
    }
    return fields;
  }
}
