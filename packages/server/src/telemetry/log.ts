/** The log of a server that is a process of its own: one JSON line per event on stderr. */

import { destination, pino, stdTimeFunctions, type Logger } from 'pino';
import { LogTap } from './log-tap.ts';

/**
 * Lines are handed to the kernel in the background, so that a reader that stalls does not stall the
 * registry; what is left is written when the process exits. Front ends can watch it (`log-tap.ts`).
 *
 * @param level the least severe one to write; `silent` for none
 */
export function stderrLog(level: string): Logger {
  const tap = new LogTap(destination({ dest: 2, sync: false }));
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, tap);
}
