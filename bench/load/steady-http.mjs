/**
 * HTTP requests at a steady rate, independent of the answers: no request waits for another's answer, so the
 * figures of a server that stalls include the requests that it delays. Requests on stdin, results on stdout.
 */

import { Agent, request } from 'node:http';
import { serveQuestions } from './raw-sockets.mjs';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

serveQuestions({
  /** Latencies in milliseconds of `perSecond` requests a second for `seconds`. */
  async latencies({ url, token, perSecond, seconds }) {
    const count = perSecond * seconds;
    const latencies = [];
    const started = performance.now();
    let sent = 0;
    await new Promise((resolve, reject) => {
      const tick = () => {
        const due = Math.min(count, Math.floor(((performance.now() - started) * perSecond) / 1_000));
        for (; sent < due; sent++) {
          const at = performance.now();
          get(url, token).then(() => {
            latencies.push(performance.now() - at);
            if (latencies.length === count) resolve();
          }, reject);
        }
        if (sent < count) setTimeout(tick, 1);
      };
      tick();
    });
    return { latencies };
  },
});

function get(url, token) {
  const headers = token === undefined ? {} : { 'X-Consul-Token': token };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))));
    });
    sent.on('error', reject);
    sent.end();
  });
}
