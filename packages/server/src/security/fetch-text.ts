/** Gets a small text over HTTP or HTTPS, with a CA of one's own, and follows no redirect. */

import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import type { FetchText } from './key-source.ts';

export const fetchText: FetchText = (url, { ca, bytesMax, timeoutMs }) =>
  new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const options = { signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } };
    const request = secure ? getHttps(url, { ...options, ...(ca !== '' && { ca }) }) : getHttp(url, options);
    request.on('error', reject);
    request.on('response', (response) => {
      const fail = (why: string) => {
        response.destroy();
        reject(new Error(why));
      };
      if (response.statusCode !== 200) {
        fail(`status ${response.statusCode}`);
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > bytesMax) fail(`more than ${bytesMax} bytes`);
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
  });
