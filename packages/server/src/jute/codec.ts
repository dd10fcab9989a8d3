/** Codecs of values, and records made of them: each is written down once and works in both directions. */

import type { JuteInput } from './input.ts';
import type { JuteOutput } from './output.ts';

export interface Codec<T> {
  /** @throws RegistryError `invalid_argument` when the bytes are no such value */
  read(from: JuteInput): T;
  write(to: JuteOutput, value: T): void;
  /** The least bytes that a value takes, so that the length of a vector can be checked before it is read. */
  readonly bytesMin: number;
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

export const bool: Codec<boolean> = { read: (from) => from.bool(), write: (to, value) => to.bool(value), bytesMin: 1 };
export const int: Codec<number> = { read: (from) => from.int(), write: (to, value) => to.int(value), bytesMin: 4 };
/** Revisions and times. */
export const long: Codec<number> = { read: (from) => from.long(), write: (to, value) => to.long(value), bytesMin: 8 };
/** Ids of sessions use all 64 bits. */
export const id: Codec<bigint> = { read: (from) => from.id(), write: (to, value) => to.id(value), bytesMin: 8 };
export const buffer: Codec<Uint8Array | null> = { read: (from) => from.buffer(), write: (to, value) => to.buffer(value), bytesMin: 4 };
export const string: Codec<string> = { read: (from) => from.string(), write: (to, value) => to.string(value), bytesMin: 4 };

export function vector<T>(of: Codec<T>): Codec<readonly T[]> {
  return {
    read(from) {
      const values: T[] = [];
      for (let left = from.count(of.bytesMin); left > 0; left--) values.push(of.read(from));
      return values;
    },
    write(to, values) {
      to.count(values.length);
      for (const value of values) of.write(to, value);
    },
    bytesMin: 4,
  };
}

type Fields = Readonly<Record<string, Codec<unknown>>>;
type RecordOf<F extends Fields> = { readonly [name in keyof F]: ValueOf<F[name]> };

/** @param fields in their order */
export function record<F extends Fields>(fields: F): Codec<RecordOf<F>> {
  const list = Object.entries(fields);
  return {
    read(from) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of list) value[name] = codec.read(from);
      return value as RecordOf<F>;
    },
    write(to, value) {
      for (const [name, codec] of list) codec.write(to, value[name]);
    },
    bytesMin: list.reduce((sum, [, codec]) => sum + codec.bytesMin, 0),
  };
}
