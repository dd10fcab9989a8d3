/** What every engine refuses alike, before anything is written. */

import { RegistryError } from '@rollcall/protocol';
import { recordKeyBytesMax, recordValueBytesMax, type Transaction } from './engine.ts';

/** More than this is checked and taken in over several turns of the event loop. */
const largeRecords = 8_192;

export function isLarge({ put, delete: gone }: Transaction): boolean {
  return put.length + gone.length > largeRecords;
}

/** @throws RegistryError as `checking` */
export function checkTransaction(transaction: Transaction): void {
  const steps = checking(transaction);
  while (steps.next().done !== true);
}

/**
 * A step is one record.
 * @throws RegistryError `invalid_argument` for a key or value over the port's limits, for a key that
 *   is not well-formed Unicode (two such keys could share one encoding), or for a revision that is
 *   not a safe integer
 */
export function* checking({ put, revisionAtLeast: least = 0 }: Transaction): Generator<void, void, undefined> {
  // Half of the safe integers: the rest is room for every later revision.
  if (!Number.isSafeInteger(least) || least < 0 || least > revisionAtLeastMax) {
    refuse(`revisionAtLeast is ${least}, it must be an integer from 0 to ${revisionAtLeastMax}`);
  }
  for (const { key, value } of put) {
    if (key.length * 3 > recordKeyBytesMax) {
      const keyBytes = Buffer.byteLength(key);
      if (keyBytes > recordKeyBytesMax) {
        refuse(`record key has ${keyBytes} bytes, the limit is ${recordKeyBytesMax}`);
      }
    }
    if (loneSurrogate.test(key)) refuse(`record key ${JSON.stringify(key)} is not well-formed Unicode`);
    if (value.length > recordValueBytesMax) {
      refuse(`record value has ${value.length} bytes, the limit is ${recordValueBytesMax}`);
    }
    yield;
  }
}

const revisionAtLeastMax = 2 ** 52;

const loneSurrogate = /\p{Surrogate}/u;

function refuse(message: string): never {
  throw new RegistryError('invalid_argument', message);
}
