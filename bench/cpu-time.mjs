/** CPU time of a process: a figure that others on the same machine disturb less than a rate. Linux only. */

import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that Node runs on (getconf CLK_TCK). */
const ticksPerSecond = 100;

/** Seconds of CPU time, user and system, that a process has taken so far. */
export function cpuSeconds(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in the second field may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
