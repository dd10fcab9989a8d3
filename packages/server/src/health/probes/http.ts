/**
 * The HTTP probe: 2xx is passing, 429 warning, every other status critical (Consul's rules,
 * https://developer.hashicorp.com/consul/docs/register/health-check/vm#http-check), with one difference:
 * redirects are not followed (`outbound/http-request.ts`).
 */

import type { IncomingMessage } from 'node:http';
import type { SecureContext } from 'node:tls';
import type { Resolve } from '../../outbound/address-policy.ts';
import { httpSender, parseUrl, shownUrl } from '../../outbound/http-request.ts';
import { httpSettings } from './http-settings.ts';
import { bodyText, outputBytesMax } from './output.ts';
import type { Probe, ProbeResult } from './probe.ts';

const accept = { accept: 'text/plain, text/*, */*' };

/** @param trust certificate authorities; the well-known ones by default */
export function httpProbe(resolve: Resolve, trust?: SecureContext): Probe {
  const send = httpSender(resolve, trust);
  return async (definition, signal) => {
    const { http = '', method = 'GET', body } = definition;
    const { response, request } = await send({ url: parseUrl(http), method, body, ...httpSettings(definition, accept) }, signal);
    try {
      return judge(`HTTP ${method} ${shownUrl(http)}`, response, await readStart(response));
    } finally {
      request.destroy();
    }
  };
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
