/**
 * Requests with wrong tokens at a steady rate, each with another token, on separate sockets. Requests on
 * stdin, answers on stdout.
 */

import { openSockets, serveQuestions } from './raw-sockets.mjs';

const sockets = 32;
const status = /HTTP\/1\.1 (\d{3})/g;

serveQuestions({
  /** Sends `perSecond` for `seconds`; resolves with the count of each status when all are answered. */
  async storm({ port, path, perSecond, seconds }) {
    const answers = {};
    let answered = 0;
    let done = () => {};
    const count = perSecond * seconds;
    const rest = Array(sockets).fill('');
    const open = await openSockets({
      port,
      count: sockets,
      onBytes(number, bytes) {
        // A status line may come in two pieces.
        const text = rest[number] + bytes.toString('latin1');
        let end = 0;
        for (const match of text.matchAll(status)) {
          answers[match[1]] = (answers[match[1]] ?? 0) + 1;
          answered++;
          end = match.index + match[0].length;
        }
        rest[number] = text.slice(Math.max(end, text.length - 11));
        if (answered === count) done();
      },
    });
    const started = performance.now();
    await new Promise((resolve) => {
      done = resolve;
      let sent = 0;
      const tick = () => {
        const due = Math.min(count, Math.floor(((performance.now() - started) * perSecond) / 1_000));
        for (; sent < due; sent++) {
          const token = `wrong-${sent}-${Math.random().toString(36).slice(2)}`;
          open.write(sent % sockets, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Consul-Token: ${token}\r\n\r\n`);
        }
        if (sent < count) setTimeout(tick, 1);
      };
      tick();
    });
    const perSecondAnswered = count / ((performance.now() - started) / 1_000);
    open.close();
    return { answers, perSecond: perSecondAnswered };
  },
});
