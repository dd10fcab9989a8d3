/**
 * The operations of a `multi` and their results: each with a header before it, and a last header that says so
 * (`MultiOperationRecord.java`, `MultiResponse.java`).
 */

import { RegistryError } from '@rollcall/protocol';
import { bool, buffer, int, record, string, type Codec, type ValueOf } from './codec.ts';
import { opCodes } from './codes.ts';
import type { JuteInput } from './input.ts';
import type { JuteOutput } from './output.ts';
import { paths, stat } from './records.ts';
import { checkRequest, createRequest, createTtlRequest, deleteRequest, pathAndWatch, setDataRequest } from './operations.ts';

const header = record({ type: int, done: bool, err: int });

/** The body of each operation that a `multi` may have. */
const operations = {
  create: createRequest,
  create2: createRequest,
  createContainer: createRequest,
  createTTL: createTtlRequest,
  delete: deleteRequest,
  setData: setDataRequest,
  check: checkRequest,
} as const;

/** The same of a `multiRead`. */
const readOperations = { getData: pathAndWatch, getChildren: pathAndWatch } as const;

type Bodies = Readonly<Record<string, Codec<unknown>>>;
type Tagged<B extends Bodies> = { [name in keyof B & string]: { readonly op: name } & ValueOf<B[name]> }[keyof B & string];

export type MultiOperation = Tagged<typeof operations>;
export type MultiReadOperation = Tagged<typeof readOperations>;

const empty = record({});

/** The body of each result. `create` has a path alone; `create2` is that of all other creations. */
const results = {
  create: record({ path: string }),
  create2: record({ path: string, stat }),
  delete: empty,
  setData: record({ stat }),
  check: empty,
  getData: record({ data: buffer, stat }),
  getChildren: record({ children: paths }),
} as const;

/** `error` is that of an operation of a `multi` that failed: 0 of those before the one that made it fail. */
export type MultiResult = Tagged<typeof results> | { readonly op: 'error'; readonly err: number };

/** Most operations that are read: a packet of the largest size has room for some 50,000. */
export const multiOperationsMax = 10_000;

export const multiRequest = listOf(operations);
export const multiReadRequest = listOf(readOperations);

const resultsByType = typesOf(results);

export const multiResponse: Codec<readonly MultiResult[]> = {
  read(from) {
    const list: MultiResult[] = [];
    for (;;) {
      const { type, done } = header.read(from);
      if (done) return list;
      if (type === -1) list.push({ op: 'error', err: int.read(from) });
      else list.push(readBody(resultsByType, type, from) as MultiResult);
      checkCount(list.length);
    }
  },
  write(to, list) {
    for (const result of list) {
      if (result.op === 'error') {
        header.write(to, { type: -1, done: false, err: result.err });
        int.write(to, result.err);
      } else {
        header.write(to, { type: opCodes[result.op], done: false, err: 0 });
        writeBody(results, result, to);
      }
    }
    header.write(to, { type: -1, done: true, err: -1 });
  },
  bytesMin: header.bytesMin,
};

function listOf<B extends Bodies>(bodies: B): Codec<readonly Tagged<B>[]> {
  const byType = typesOf(bodies);
  return {
    read(from) {
      const list: Tagged<B>[] = [];
      for (;;) {
        const { type, done } = header.read(from);
        if (done) return list;
        list.push(readBody(byType, type, from) as Tagged<B>);
        checkCount(list.length);
      }
    },
    write(to, list) {
      for (const operation of list) {
        header.write(to, { type: opCodes[operation.op as keyof typeof opCodes], done: false, err: -1 });
        writeBody(bodies, operation, to);
      }
      header.write(to, { type: -1, done: true, err: -1 });
    },
    bytesMin: header.bytesMin,
  };
}

/** The codecs of bodies, by the type in the header before them. */
type ByType = ReadonlyMap<number, { readonly op: string; readonly body: Codec<unknown> }>;

function typesOf(bodies: Bodies): ByType {
  return new Map(Object.entries(bodies).map(([op, body]) => [opCodes[op as keyof typeof opCodes], { op, body }]));
}

function readBody(byType: ByType, type: number, from: JuteInput): object {
  const found = byType.get(type);
  if (found === undefined) {
    const names = Array.from(byType.values(), ({ op }) => op).join(', ');
    throw new RegistryError('invalid_argument', `an operation of type ${type} cannot be part of a multi; it may have ${names}`);
  }
  const value = found.body.read(from) as { op?: string };
  value.op = found.op;
  return value;
}

function writeBody<B extends Bodies>(bodies: B, value: Tagged<B>, to: JuteOutput): void {
  bodies[value.op]?.write(to, value);
}

function checkCount(count: number): void {
  if (count > multiOperationsMax) throw new RegistryError('invalid_argument', `a multi has more than ${multiOperationsMax} operations, which is the limit; send several`);
}
