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

export const multiResponse: Codec<readonly MultiResult[]> = {
  read(from) {
    const list: MultiResult[] = [];
    for (;;) {
      const { type, done } = header.read(from);
      if (done) return list;
      if (type === -1) list.push({ op: 'error', err: int.read(from) });
      else list.push(readBody(results, type, from));
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
  return {
    read(from) {
      const list: Tagged<B>[] = [];
      for (;;) {
        const { type, done } = header.read(from);
        if (done) return list;
        list.push(readBody(bodies, type, from));
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

function readBody<B extends Bodies>(bodies: B, type: number, from: JuteInput): Tagged<B> {
  for (const [op, body] of Object.entries(bodies)) {
    if (opCodes[op as keyof typeof opCodes] === type) return { op, ...(body.read(from) as object) } as Tagged<B>;
  }
  throw new RegistryError('invalid_argument', `an operation of type ${type} cannot be part of a multi; it may have ${Object.keys(bodies).join(', ')}`);
}

function writeBody<B extends Bodies>(bodies: B, value: Tagged<B>, to: JuteOutput): void {
  bodies[value.op]?.write(to, value);
}

function checkCount(count: number): void {
  if (count > multiOperationsMax) throw new RegistryError('invalid_argument', `a multi has more than ${multiOperationsMax} operations, which is the limit; send several`);
}
