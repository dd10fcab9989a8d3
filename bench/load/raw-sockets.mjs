/**
 * Many cheap sockets in one process: they share one read buffer, and pass their bytes to
 * a callback at once. Also the other half of `processes.mjs`: questions on stdin, answers on stdout.
 */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** Connections in progress at a time: the listener's backlog is finite. */
const openingMax = 500;

const shared = Buffer.allocUnsafe(1 << 20);

/**
 * Opens `count` sockets.
 * @param onBytes called with the socket's number and a view that is valid during the call only
 */
export async function openSockets({ port, count, onBytes }) {
  const sockets = [];
  let opened = 0;
  const openOne = (number) =>
    new Promise((resolve, reject) => {
      const onread = {
        buffer: shared,
        callback(bytes, buffer) {
          onBytes(number, buffer.subarray(0, bytes));
          return true;
        },
      };
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread }, resolve);
      socket.on('error', reject);
      socket.on('close', () => {
        if (!socket.leaving) throw new Error(`the server closed socket ${number}`);
      });
      sockets[number] = socket;
    });
  const opener = async () => {
    while (opened < count) await openOne(opened++);
  };
  await Promise.all(Array.from({ length: openingMax }, opener));
  return {
    write: (number, bytes) => sockets[number].write(bytes),
    close() {
      for (const socket of sockets) {
        socket.leaving = true;
        socket.destroy();
      }
    },
  };
}

/** Answers each request of the starting process with the result of the function of that name. */
export function serveQuestions(functions) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const { ask, ...question } = JSON.parse(line);
    functions[ask](question).then(
      (answer) => process.stdout.write(`${JSON.stringify(answer ?? {})}\n`),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  lines.on('close', () => process.exit(0));
}
