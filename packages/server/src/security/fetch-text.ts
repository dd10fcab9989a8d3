/**
 * Fetches a small text over HTTP or HTTPS, optionally with a private CA. It connects only to addresses that the policy
 * for outgoing connections allows. It follows no redirects, since it could not check their targets.
 */

import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { pinned, type Resolve } from '../outbound/address-policy.ts';
import type { FetchText } from './key-source.ts';

export function fetchTextFrom(resolve: Resolve): FetchText {
  return async (url, { ca, bytesMax, timeoutMs }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const lookup = pinned(await resolve(new URL(url).hostname));
    signal.throwIfAborted();
    // Opens a new connection: a pooled one may lead to an address that was not checked.
    const options = { signal, lookup, agent: false as const, headers: { accept: 'application/json' } };
    return new Promise((settle, reject) => {
      const request = url.startsWith('https:') ? getHttps(url, { ...options, ...(ca !== '' && { ca }) }) : getHttp(url, options);
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
        response.on('end', () => settle(Buffer.concat(chunks).toString('utf8')));
      });
    });
  };
}
