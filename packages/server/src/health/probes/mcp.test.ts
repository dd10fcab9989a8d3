/** The MCP probe against servers that answer as the protocol allows, and as it does not. The real SDK's server is in `conformance/agents`. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CheckDefinition } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { mcpProbe } from './mcp.ts';
import { httpTarget, resolving, type TargetServer } from './targets.case.ts';

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

interface Seen {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
}

type Respond = (message: Message, response: ServerResponse) => void;

const never = new AbortController().signal;
const open: TargetServer[] = [];
afterEach(async () => {
  for (const target of open.splice(0)) await target.close();
});

/** A server whose answers are these. @returns the result of one probe and the messages that arrived */
async function probed(respond: Respond, definition: CheckDefinition = {}) {
  const seen: Seen[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const message: Message = body === '' ? { method: request.method ?? '' } : (JSON.parse(body) as Message);
    seen.push({ method: message.method, headers: request.headers });
    respond(message, response);
  };
  const target = await httpTarget((request, response) => void handle(request, response));
  open.push(target);
  const result = await mcpProbe(resolving().resolve)({ mcp: `http://127.0.0.1:${target.port}/mcp`, ...definition }, never);
  return { result, seen, methods: seen.map(({ method }) => method) };
}

const initialized = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'weather', version: '2.1' } };
const json = (response: ServerResponse, body: object, headers = {}) => response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const proper: Respond = ({ id, method }, response) => {
  if (method === 'initialize') json(response, { jsonrpc: '2.0', id, result: initialized }, { 'mcp-session-id': 'one' });
  else if (method === 'ping') json(response, { jsonrpc: '2.0', id, result: {} });
  else response.writeHead(method === 'DELETE' ? 405 : 202).end();
};

describe('a server that speaks the protocol', () => {
  it('is passing, and sees a whole session', async () => {
    const { result, methods, seen } = await probed(proper, { header: { Authorization: ['Bearer t'] } });
    expect(result.status).toBe('passing');
    expect(result.output).toMatch(/^MCP http:\/\/127\.0\.0\.1:\d+\/mcp: weather 2\.1 answers initialize and ping, protocol 2025-06-18$/);
    expect(methods).toEqual(['initialize', 'notifications/initialized', 'ping', 'DELETE']);
    expect(seen.map(({ headers }) => [headers['mcp-session-id'], headers['mcp-protocol-version'], headers.authorization])).toEqual([
      [undefined, undefined, 'Bearer t'],
      ...Array.from({ length: 3 }, () => ['one', '2025-06-18', 'Bearer t']),
    ]);
  });

  it('without sessions is passing, and gets no DELETE', async () => {
    const { result, methods } = await probed(({ id, method }, response) => {
      if (method === 'notifications/initialized') response.writeHead(202).end();
      else json(response, { jsonrpc: '2.0', id, result: method === 'ping' ? {} : initialized });
    });
    expect([result.status, methods]).toEqual(['passing', ['initialize', 'notifications/initialized', 'ping']]);
  });

  it.each(['\n', '\r\n', '\r'])('may answer by a stream of events with lines that end in %j, and send other messages before the answer', async (end) => {
    const { result } = await probed(({ id, method }, response) => {
      if (method === 'notifications/initialized') {
        response.writeHead(202).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const event = (message: object) => `: comment${end}event: message${end}data: ${JSON.stringify(message)}${end}${end}`;
      response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { text: 'ö\n' } }));
      // The stream stays open, and an event comes in two pieces.
      const answer = event({ jsonrpc: '2.0', id, result: method === 'ping' ? {} : initialized });
      response.write(answer.slice(0, 30));
      setImmediate(() => response.write(answer.slice(30)));
    });
    expect(result).toMatchObject({ status: 'passing' });
  });
});

describe('a server that does not', () => {
  const answers = (body: object | string, status = 200): Respond => (_message, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

  it.each<[string, Respond, string, string]>([
    ['answers 404', answers('', 404), 'critical', 'initialize: status 404'],
    ['demands a token', answers('', 401), 'critical', 'initialize: status 401 Unauthorized; give the check a token in its headers'],
    ['is limited', answers('', 429), 'warning', 'initialize: status 429'],
    ['sends the client elsewhere', answers('', 308), 'critical', '(redirects are not followed)'],
    ['answers with a page', answers('<html>'), 'critical', 'the answer is not JSON: "<html>"'],
    ['answers another request', answers({ jsonrpc: '2.0', id: 9, result: initialized }), 'critical', 'no answer with id 1'],
    ['answers with an error', answers({ jsonrpc: '2.0', id: 1, error: { code: -32_602, message: 'no such version' } }), 'critical', 'initialize is answered with the error "no such version"'],
    ['answers without a result', answers({ jsonrpc: '2.0', id: 1 }), 'critical', 'the answer to initialize has no result'],
    ['names no version', answers({ jsonrpc: '2.0', id: 1, result: {} }), 'critical', 'names no protocolVersion'],
    ['answers without an end', answers('x'.repeat(300_000)), 'critical', 'more than 262144 bytes'],
  ])('and %s is not passing', async (_what, respond, status, output) => {
    const { result } = await probed(respond);
    expect(result.status).toBe(status);
    expect(result.output).toContain(output);
  });

  it('is critical when it answers initialize but not ping', async () => {
    const { result } = await probed((message, response) => {
      if (message.method === 'ping') json(response, { jsonrpc: '2.0', id: message.id, error: { code: -32_601, message: 'Method not found' } });
      else proper(message, response);
    });
    expect([result.status, result.output.replace(/^MCP \S+: /, '')]).toEqual(['critical', 'ping is answered with the error "Method not found"']);
  });
});

it('a URL of another scheme, and an address that is not allowed, are refused', async () => {
  await expect(mcpProbe(resolving().resolve)({ mcp: 'ftp://a/' }, never)).rejects.toThrow('"ftp://a/" is not an http or https URL');
  await expect(mcpProbe(resolving(['169.254.169.254']).resolve)({ mcp: 'http://metadata/mcp' }, never)).rejects.toThrow('169.254.169.254');
});
