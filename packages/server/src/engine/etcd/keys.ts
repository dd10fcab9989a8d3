/**
 * The keys in etcd:
 *
 *   PREFIX/log/era            how revisions of etcd become revisions of the registry (`eras.ts`)
 *   PREFIX/log/record/KEY     a record
 *   PREFIX/log/seq            written by every transaction, so its revision is that of the newest one
 *   PREFIX/presence/NODE      which nodes are alive (`presence.ts`)
 *
 * Everything below `log/` is watched together. Keys are UTF-8, so no byte is 0xff.
 */

import { RegistryError } from '@rollcall/protocol';

export class Keys {
  readonly era: Buffer;
  readonly seq: Buffer;
  /** All keys that transactions write are from `log` to `logEnd`. */
  readonly log: Buffer;
  readonly logEnd: Buffer;
  readonly records: Buffer;
  readonly recordsEnd: Buffer;
  readonly presences: Buffer;
  readonly presencesEnd: Buffer;
  readonly #records: string;
  readonly #presences: string;
  readonly #recordsBytes: number;

  /** @throws RegistryError `invalid_argument` for a prefix that is empty, or not printable ASCII */
  constructor(prefix: string) {
    if (!/^[!-~]{1,200}$/.test(prefix)) {
      throw new RegistryError('invalid_argument', `the prefix of keys in etcd is ${JSON.stringify(prefix)}; it must be 1 to 200 printable characters of ASCII`);
    }
    const log = `${prefix.replace(/\/+$/, '')}/log/`;
    this.#records = `${log}record/`;
    this.#presences = `${prefix.replace(/\/+$/, '')}/presence/`;
    this.log = Buffer.from(log);
    this.logEnd = endOf(this.log);
    this.era = Buffer.from(`${log}era`);
    this.seq = Buffer.from(`${log}seq`);
    this.records = Buffer.from(this.#records);
    this.recordsEnd = endOf(this.records);
    this.#recordsBytes = this.records.length;
    this.presences = Buffer.from(this.#presences);
    this.presencesEnd = endOf(this.presences);
  }

  /** Bytes that a record's key has in etcd in addition. */
  get overhead(): number {
    return this.#recordsBytes;
  }

  record(key: string): Buffer {
    return Buffer.from(this.#records + key);
  }

  /** The record key of a key in etcd; undefined for another one. */
  recordOf(key: Buffer): string | undefined {
    if (key.length < this.#recordsBytes || key.compare(this.records, 0, this.#recordsBytes, 0, this.#recordsBytes) !== 0) return undefined;
    return key.toString('utf8', this.#recordsBytes);
  }

  presence(nodeId: string): Buffer {
    return Buffer.from(this.#presences + nodeId);
  }

  nodeOf(key: Buffer): string {
    return key.toString('utf8', this.presences.length);
  }
}

/** The first key after all that begin with `prefix`. */
export function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end[end.length - 1] as number) + 1;
  return end;
}

/** The first key after this one. */
export function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}
