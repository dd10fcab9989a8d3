/** The log of a server process: one JSON line for each event on stderr. */

import { destination, pino, stdTimeFunctions, type Logger } from 'pino';
import { LogTap } from './log-tap.ts';

/**
 * Writes lines in the background, so that a slow reader does not block the registry; the rest is written when the process
 * exits. Front ends can listen to it (`log-tap.ts`).
 *
 * @param level the least severe level to write; `silent` for none
 */
export function stderrLog(level: string): Logger {
  const tap = new LogTap(destination({ dest: 2, sync: false }));
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, tap);
}
