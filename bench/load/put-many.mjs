/** Sends many PUT requests over a few keep-alive connections; fails at the first refusal. */

import { Agent, request } from 'node:http';

/**
 * @param count number of requests
 * @param make returns the path and body of the n-th
 */
export async function putMany(url, count, make, connections = 64) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let next = 0;
  const sender = async () => {
    while (next < count) {
      const { path, body } = make(next++);
      await put(agent, url + path, JSON.stringify(body));
    }
  };
  await Promise.all(Array.from({ length: connections }, sender));
  agent.destroy();
}

function put(agent, url, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'PUT', agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
