/**
 * The MCP probe: does what a client of the Model Context Protocol does first. It sends `initialize`, tells the server that it is initialized,
 * sends `ping`, and ends the session. An answer to both is passing; status 429 is warning, everything else critical.
 *
 * Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle and …/basic/transports (Streamable HTTP). Servers of older
 * revisions answer with their own version, which is used from then on. The older transport of two endpoints (HTTP with SSE) is not spoken.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { SecureContext } from 'node:tls';
import type { CheckDefinition } from '@rollcall/protocol';
import type { Resolve } from '../../outbound/address-policy.ts';
import { httpSender, parseUrl, shownUrl, userAgent, type Send } from '../../outbound/http-request.ts';
import { httpSettings } from './http-settings.ts';
import type { Probe, ProbeResult } from './probe.ts';

const protocolVersion = '2025-11-25';
/** Most bytes of an answer that are read; the answer to `initialize` has the server's instructions. */
const answerBytesMax = 262_144;
const shownMax = 200;

/** @param trust certificate authorities; the well-known ones by default */
export function mcpProbe(resolve: Resolve, trust?: SecureContext): Probe {
  const send = httpSender(resolve, trust);
  return async (definition, signal) => {
    const session = new McpSession(send, definition, signal);
    try {
      return await session.probe();
    } catch (error) {
      if (error instanceof Refused) return { status: error.status === 429 ? 'warning' : 'critical', output: `${session.name}: ${error.message}` };
      throw error;
    }
  };
}

/** The server answered, but not as the protocol demands. */
class Refused extends Error {
  readonly status: number;

  constructor(message: string, status = 0) {
    super(message);
    this.status = status;
  }
}

class McpSession {
  readonly name: string;
  readonly #send: Send;
  readonly #definition: CheckDefinition;
  readonly #signal: AbortSignal;
  readonly #url: URL;
  /** Headers that the server's answer to `initialize` demands. */
  #headers: OutgoingHttpHeaders = {};

  constructor(send: Send, definition: CheckDefinition, signal: AbortSignal) {
    this.#send = send;
    this.#definition = definition;
    this.#signal = signal;
    const { mcp = '' } = definition;
    this.#url = parseUrl(mcp);
    this.name = `MCP ${shownUrl(mcp)}`;
  }

  async probe(): Promise<ProbeResult> {
    const clientInfo = { name: userAgent, version: '1' };
    const { result, session } = await this.#call(1, 'initialize', { protocolVersion, capabilities: {}, clientInfo });
    const version = textOf(result['protocolVersion']);
    if (version === '') throw new Refused('the answer to initialize names no protocolVersion');
    this.#headers = { 'mcp-protocol-version': version, ...(session === undefined ? {} : { 'mcp-session-id': session }) };
    try {
      await this.#notify('notifications/initialized');
      await this.#call(2, 'ping');
    } finally {
      if (session !== undefined) await this.#end();
    }
    const { name, version: release } = recordOf(result['serverInfo']);
    return { status: 'passing', output: `${this.name}: ${`${textOf(name)} ${textOf(release)}`.trim()} answers initialize and ping, protocol ${version}`.slice(0, 3 * shownMax) };
  }

  async #call(id: number, method: string, params?: object): Promise<{ readonly result: Record<string, unknown>; readonly session: string | undefined }> {
    const { response, request } = await this.#post({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    try {
      checkStatus(method, response);
      const answer = await readAnswer(response, id);
      if (answer === undefined) throw new Refused(`the response to ${method} has no answer with id ${id}`);
      const { error, result } = answer;
      if (error !== undefined) throw new Refused(`${method} is answered with the error ${JSON.stringify(recordOf(error)['message'] ?? error).slice(0, shownMax)}`);
      if (typeof result !== 'object' || result === null) throw new Refused(`the answer to ${method} has no result`);
      const session = response.headers['mcp-session-id'];
      return { result: recordOf(result), session: typeof session === 'string' && session !== '' ? session : undefined };
    } finally {
      request.destroy();
    }
  }

  async #notify(method: string): Promise<void> {
    const { response, request } = await this.#post({ jsonrpc: '2.0', method });
    request.destroy();
    checkStatus(method, response);
  }

  #post(message: object) {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...this.#headers };
    return this.#send({ url: this.#url, method: 'POST', body: JSON.stringify(message), ...httpSettings(this.#definition, headers) }, this.#signal);
  }

  /** A server need not let clients end sessions, and a session that stays costs only the server, so every answer will do. */
  async #end(): Promise<void> {
    await this.#send({ url: this.#url, method: 'DELETE', ...httpSettings(this.#definition, this.#headers) }, this.#signal).then(({ request }) => request.destroy(), () => {});
  }
}

/** @throws Refused */
function checkStatus(method: string, { statusCode = 0, statusMessage = '' }: IncomingMessage): void {
  if (statusCode >= 200 && statusCode <= 299) return;
  const advice = statusCode === 401 || statusCode === 403 ? '; give the check a token in its headers' : statusCode >= 300 && statusCode <= 399 ? ' (redirects are not followed)' : '';
  throw new Refused(`${method}: status ${statusCode} ${statusMessage.slice(0, 100)}${advice}`, statusCode);
}

/**
 * The message that answers request `id`: the body itself, or an event of a stream, which may have other messages before it.
 * @throws Refused when more than `answerBytesMax` bytes come first, or the body is not JSON
 */
async function readAnswer(response: IncomingMessage, id: number): Promise<Record<string, unknown> | undefined> {
  const isStream = (response.headers['content-type'] ?? '').startsWith('text/event-stream');
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Refused(`the answer has more than ${answerBytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
    if (!isStream) continue;
    // An event ends with an empty line; the part after the last one is not complete yet.
    const events = text.split(/\r\n\r\n|\n\n|\r\r/);
    text = events.pop() ?? '';
    for (const event of events) {
      const message = parsed(dataOf(event));
      if (message?.['id'] === id) return message;
    }
  }
  if (isStream) return undefined;
  const message = parsed(text);
  if (message === undefined) throw new Refused(`the answer is not JSON: ${JSON.stringify(text.slice(0, shownMax))}`);
  return message['id'] === id ? message : undefined;
}

/** The data of one event (WHATWG HTML, section 9.2.6). */
function dataOf(event: string): string {
  return event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, shownMax) : '';
}
