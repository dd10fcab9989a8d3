/**
 * Errors as HTTP answers. Prometheus keeps its list after every status that is not 200 and logs the status only (`discovery/http/http.go`);
 * the body, `{"code", "message"}`, is for people.
 */

import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '@rollcall/protocol';
import { statusByCode } from '../../net/status-by-code.ts';

export function sendError(response: ServerResponse, code: ErrorCode, message: string, status = statusByCode[code]): void {
  const body = `${JSON.stringify({ code, message })}\n`;
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
