/** Does the work of one request in slices (`turns.ts`), and gives it up when the client leaves. It encodes and sends nothing. */

import type { ServerResponse } from 'node:http';
import { RegistryError } from '@rollcall/protocol';
import type { Pace, Turns, Work } from './turns.ts';

/**
 * @returns the result of the work
 * @throws what the work throws; RegistryError `cancelled` when the client has disconnected, `resource_exhausted` as `Turns.start`
 */
export function workOfRequest<T>(turns: Turns, response: ServerResponse, work: (pace: Pace) => Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const job = turns.start(work(turns.pace));
    const leave = () => {
      job.cancel();
      reject(new RegistryError('cancelled', 'the client has disconnected'));
    };
    job.whenEnded((outcome) => {
      response.off('close', leave);
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    });
    // A request may do this many times; it must not add a listener each time.
    if (!job.ended) response.once('close', leave);
  });
}
