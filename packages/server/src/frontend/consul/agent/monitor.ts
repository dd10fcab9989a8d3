/**
 * `/v1/agent/monitor`: sends this server's log, line by line, until the client disconnects
 * (https://developer.hashicorp.com/consul/api-docs/agent#stream-logs). Lines that a client does not read in time are
 * dropped, and the client gets their number: the log never waits for a client.
 */

import type { ServerResponse } from 'node:http';
import { RegistryError } from '@rollcall/protocol';
import { onClientEnd } from '../../../net/client-end.ts';
import type { Call } from '../request/call.ts';
import { authorize, permission } from '../request/permission.ts';
import { type Reply, streamed } from '../wire/reply.ts';
import { commonHead } from '../wire/responses.ts';
import { jsonLine, parseLine, readLevel, textLine } from './log-line.ts';

/** Each monitor costs a line of JSON for each line of the log, and few people need one at the same time. */
const monitorsMax = 16;

/** Most bytes that wait for a client: some hundred lines. */
const bufferBytesMax = 131_072;

export class Monitors {
  readonly #open = new Set<ServerResponse>();

  /**
   * `GET /v1/agent/monitor?loglevel=&logjson`. Levels below that of the server's own log are not written.
   * @throws RegistryError `invalid_argument` for an unknown level; `resource_exhausted`; `unimplemented` if the log of
   *   this server cannot be followed
   */
  watch(call: Call): Promise<Reply> {
    const { context, exchange, params } = call;
    authorize(call, [permission('agent', 'read', context.identity.nodeName)]);
    const level = readLevel(params.get('loglevel') || 'INFO');
    const lines = context.logLines;
    if (lines === undefined) throw new RegistryError('unimplemented', "this server's log cannot be followed: its logger was not created by stderrLog");
    if (this.#open.size >= monitorsMax) {
      throw new RegistryError('resource_exhausted', `${monitorsMax} monitors follow the log already, which is the limit`);
    }
    const { response } = exchange;
    const write = writer(response, level, params.has('logjson') ? jsonLine : textLine);
    const stop = lines.listen(write);
    const stopFollowing = this.#endWithToken(call, response);
    const forgetEnd = onClientEnd(exchange.request.socket, () => response.end());
    this.#open.add(response);
    // A log may be silent for hours, so the timeout runs only while lines wait for the client.
    response.on('timeout', () => {
      if (response.writableLength > 0) response.destroy();
    });
    // Sends the head at once, so that the client knows that its request is served.
    response.writeHead(200, ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff', ...commonHead(context.security.acl)]);
    response.flushHeaders();
    return new Promise((resolve) => {
      response.once('close', () => {
        stop();
        stopFollowing();
        forgetEnd();
        this.#open.delete(response);
        resolve(streamed);
      });
    });
  }

  /** A monitor ends when its caller loses the permission. */
  #endWithToken({ context, caller, namespace }: Call, response: ServerResponse): () => void {
    const { acl } = context.security;
    if (!acl.enabled) return () => undefined;
    return acl.onChange(caller, () => {
      try {
        acl.authorize(acl.refresh(caller), namespace, 'agent', 'read', context.identity.nodeName);
      } catch {
        response.end();
      }
    });
  }

  close(): void {
    for (const response of this.#open) response.end();
  }
}

function writer(
  response: ServerResponse,
  level: number,
  form: typeof textLine,
): (line: string) => void {
  let leftOut = 0;
  return (text) => {
    const line = parseLine(text);
    if (line === undefined || line.level < level) return;
    if (response.writableLength > bufferBytesMax) {
      leftOut++;
      return;
    }
    if (leftOut > 0) {
      const msg = `${leftOut} lines were left out, since this client reads too slowly`;
      response.write(form({ level: 40, time: line.time, msg, fields: {} }));
      leftOut = 0;
    }
    response.write(form(line));
  };
}
