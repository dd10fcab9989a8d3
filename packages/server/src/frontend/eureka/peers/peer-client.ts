/**
 * HTTP to one other Eureka server. Connects to addresses that the outbound policy allows, each time anew, follows no redirects, and limits
 * the bytes and the time of an answer. Name and password are those of the URL. It decides nothing and repeats nothing.
 */

import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { SecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RegistryError } from '@rollcall/protocol';
import { pinned, type Resolve } from '../../../outbound/address-policy.ts';
import { isFields, readInstance } from '../wire/read-instance.ts';
import type { InstanceInfo } from '../wire/instance-info.ts';
import { batchJson, readAnswers, type Message, type MessageAnswer } from './messages.ts';

const unzip = promisify(gunzip);

/** Eureka's own limits are 200 ms to connect and 200 ms to read, which a busy server misses. */
const timeoutMs = 10_000;

/** Some 100,000 instances. */
const bytesMax = 256 * 1024 * 1024;

export interface InstanceAnswer {
  readonly info: InstanceInfo;
  /** The other server's clock, in milliseconds since the Unix epoch, by the second. */
  readonly nowMs: number;
}

export interface PeerClient {
  /** Without name and password. */
  readonly url: string;
  /** @returns its whole registry as JSON */
  applications(): Promise<Buffer>;
  /** @returns undefined when the server does not have the instance */
  instance(app: string, id: string): Promise<InstanceAnswer | undefined>;
  /** @returns the answer to each message */
  replicate(messages: readonly Message[]): Promise<readonly MessageAnswer[]>;
}

/** The server answered, and refused. */
export class PeerRefusal extends Error {
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${url} answered ${status}${status === 401 || status === 403 ? ': write name and password into the URL of the peer, http://name:password@host' : ''}`);
    this.status = status;
  }
}

/** The URL of a peer as an operator writes it. @throws RegistryError `invalid_argument` */
export function parsePeerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new RegistryError('invalid_argument', `a Eureka peer is the URL of its server, such as http://eureka-1:8761/eureka; this is none: ${JSON.stringify(text.replace(/\/\/[^/@]*@/, '//***@'))}`);
  }
  return url;
}

export interface PeerClientOptions {
  readonly resolve: Resolve;
  /** Whom the peer is checked against over HTTPS; the well-known authorities when undefined. */
  readonly trust: SecureContext | undefined;
}

export function peerClient(given: URL, { resolve, trust }: PeerClientOptions): PeerClient {
  const base = new URL(given);
  const { username, password } = base;
  base.username = '';
  base.password = '';
  const url = base.href.replace(/\/$/, '');
  const authorization = username === '' && password === '' ? {} : { authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` };
  const send = async (method: string, path: string, body?: string): Promise<Answer> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const lookup = pinned(await resolve(base.hostname));
    signal.throwIfAborted();
    const headers = {
      ...authorization,
      accept: 'application/json',
      'accept-encoding': 'gzip',
      'x-netflix-discovery-replication': 'true',
      // Eureka's servers limit the rate of clients without a known name, if told to.
      'discoveryidentity-name': 'DefaultServer',
      'discoveryidentity-version': '1.0',
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    // A pooled connection may lead to an address that was not checked.
    const options = { method, headers, lookup, signal, agent: false as const };
    const target = `${url}/${path}`;
    return new Promise((settle, reject) => {
      const request = target.startsWith('https:') ? requestHttps(target, { ...options, ...(trust === undefined ? {} : { secureContext: trust }) }) : requestHttp(target, options);
      request.on('error', reject);
      request.once('response', (response) => void readAll(response).then(settle, reject));
      request.end(body);
    });
  };
  return {
    url,
    async applications() {
      const { status, body } = await send('GET', 'apps/');
      if (status !== 200) throw new PeerRefusal(url, status);
      return body;
    },
    async instance(app, id) {
      const { status, body, date } = await send('GET', `apps/${encodeURIComponent(app)}/${encodeURIComponent(id)}`);
      if (status === 404) return undefined;
      if (status !== 200) throw new PeerRefusal(url, status);
      const parsed: unknown = JSON.parse(body.toString('utf8'));
      return { info: readInstance(isFields(parsed) ? parsed['instance'] : undefined, false), nowMs: date };
    },
    async replicate(messages) {
      const { status, body } = await send('POST', 'peerreplication/batch/', batchJson(messages));
      if (status < 200 || status > 299) throw new PeerRefusal(url, status);
      return readAnswers(JSON.parse(body.toString('utf8')), messages.length);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly date: number;
}

async function readAll(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`an answer of more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks);
  const body = response.headers['content-encoding'] === 'gzip' ? await unzip(raw, { maxOutputLength: bytesMax }) : raw;
  return { status: response.statusCode ?? 0, body, date: Date.parse(response.headers.date ?? '') };
}
