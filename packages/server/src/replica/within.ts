/** Bounds the time that the replica waits for an engine: one over a network may give no answer and no error. */

import type { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

/**
 * The result of `answer`, or after `ms` an error. A later result is dropped.
 * @param late makes the error
 * @throws RegistryError that of `late`; the error of `answer`
 */
export async function within<T>(clock: Clock, ms: number, answer: Promise<T>, late: () => RegistryError): Promise<T> {
  let cancel = () => {};
  const overdue = new Promise<never>((_, reject) => {
    cancel = clock.timer(ms, () => reject(late()));
  });
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    cancel();
  }
}
