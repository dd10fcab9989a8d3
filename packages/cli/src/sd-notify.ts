/**
 * Tells systemd that the service is ready or stops (sd_notify(3), `Type=notify`). The protocol is a datagram
 * to a Unix socket, which Node cannot send, so `systemd-notify` sends it. Without `NOTIFY_SOCKET` in the
 * environment nothing is started.
 */

import { execFile } from 'node:child_process';
import { remark, type Terminal } from './terminal.ts';

/** systemd-notify waits until systemd has read the message; a longer time means that no process reads. */
const timeoutMs = 5_000;

/**
 * @param assignments such as `READY=1`, `STATUS=serving`
 * @returns resolves when the message was read, or could not be sent: then a remark gives the reason
 */
export function sdNotify(terminal: Terminal, ...assignments: string[]): Promise<void> {
  const socket = terminal.env['NOTIFY_SOCKET'] ?? '';
  if (socket === '') return Promise.resolve();
  return new Promise((resolve) => {
    const env = { ...terminal.env, NOTIFY_SOCKET: socket };
    execFile('systemd-notify', assignments, { env, timeout: timeoutMs }, (error) => {
      if (error !== null) {
        const reason = error.code === 'ENOENT' ? 'systemd-notify is not installed' : error.message.trim();
        remark(terminal, `systemd was not told ${assignments[0]}: ${reason}`);
      }
      resolve();
    });
  });
}
