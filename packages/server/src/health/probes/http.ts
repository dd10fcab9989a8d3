/**
 * The HTTP probe: 2xx is passing, 429 warning, every other status critical (Consul's rules,
 * https://developer.hashicorp.com/consul/docs/register/health-check/vm#http-check), with one difference:
 * redirects are not followed, since their targets would not pass the address policy.
 *
 * Uses `node:http` rather than undici: a probe needs no pool and no interceptor, but separate control of
 * lookup, SNI and Host.
 */

import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { RegistryError, type CheckDefinition } from '@rollcall/protocol';
import { pinned, type Resolve } from '../../outbound/address-policy.ts';
import { bodyText, outputBytesMax, shownUrl } from './output.ts';
import { userAgent, type Probe, type ProbeResult } from './probe.ts';

/** @param trust certificate authorities; the well-known ones by default */
export function httpProbe(resolve: Resolve, trust?: SecureContext): Probe {
  return async (definition, signal) => {
    const url = parseUrl(definition.http ?? '');
    const addresses = await resolve(url.hostname);
    signal.throwIfAborted();
    const method = definition.method ?? 'GET';
    const options = {
      method,
      headers: headersOf(definition, url),
      lookup: pinned(addresses),
      // A new agent, so that the connection is not kept.
      agent: false as const,
      signal,
    };
    const tls = {
      ...(trust === undefined ? {} : { secureContext: trust }),
      rejectUnauthorized: definition.tlsSkipVerify !== true,
      // The name in the URL, not in a Host header that the check may set; none for an address (RFC 6066, section 3).
      servername: definition.tlsServerName ?? (isIP(bare(url.hostname)) === 0 ? url.hostname : ''),
    };
    return new Promise<ProbeResult>((resolved, reject) => {
      const request =
        url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
      // There may be more than one: the first counts.
      request.on('error', reject);
      request.once('response', (response) => {
        readStart(response).then((body) => {
          request.destroy();
          resolved(judge(`HTTP ${method} ${shownUrl(definition.http ?? '')}`, response, body));
        }, reject);
      });
      request.end(definition.body);
    });
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new RegistryError('invalid_argument', `${JSON.stringify(shownUrl(text))} is not an http or https URL`);
}

/** IPv6 without its brackets. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function headersOf(definition: CheckDefinition, url: URL): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    host: url.host,
    'user-agent': userAgent,
    accept: 'text/plain, text/*, */*',
  };
  for (const [name, values] of Object.entries(definition.header ?? {})) {
    const [first = ''] = values;
    headers[name.toLowerCase()] = values.length > 1 ? [...values] : first;
  }
  if (definition.body !== undefined) headers['content-length'] = String(Buffer.byteLength(definition.body));
  return headers;
}

/** Reads the part of the body that is shown; the rest is not read. */
async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > outputBytesMax) break;
  }
  return bodyText(Buffer.concat(chunks));
}

function judge(what: string, response: IncomingMessage, body: string): ProbeResult {
  const code = response.statusCode ?? 0;
  const status = code >= 200 && code <= 299 ? 'passing' : code === 429 ? 'warning' : 'critical';
  const redirect = code >= 300 && code <= 399 ? ' (redirects are not followed)' : '';
  const reason = (response.statusMessage ?? '').slice(0, 100);
  return { status, output: `${what}: ${code} ${reason}${redirect} Output: ${body}` };
}
