/**
 * A process that publishes configurations over HTTP with several connections, through the Nacos API of the server: it is the cheapest
 * request that publishes.
 */

import { Agent, request } from 'node:http';
import { serveQuestions } from '../load/raw-sockets.mjs';

serveQuestions({
  /** Publishes configurations `from` to `to`, each with content of `bytes`. @returns how long all took */
  async publish({ port, from, to, bytes, connections }) {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const began = performance.now();
    let next = from;
    const worker = async () => {
      for (let n = next++; n < to; n = next++) await post(agent, port, `config-${n}.properties`, contentOf(n, bytes));
    };
    await Promise.all(Array.from({ length: connections }, worker));
    agent.destroy();
    return { ms: performance.now() - began };
  },
});

/** Properties with some hundred keys; no two contents are equal. */
function contentOf(n, bytes) {
  let text = `number=${n}\n`;
  for (let key = 0; text.length < bytes; key++) text += `feature.${key}.setting=value-${(n * 31 + key * 17) % 100_003}\n`;
  return text;
}

function post(agent, port, dataId, content) {
  return new Promise((resolve, reject) => {
    const body = new URLSearchParams({ dataId, group: 'fleet', content, type: 'properties' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
    const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/nacos/v1/cs/configs', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => (text === 'true' ? resolve() : reject(new Error(`${response.statusCode} ${text}`))));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
