/**
 * The floor: the speed of bare `node:http` on the same core, with the same bytes and no other work.
 *
 *   same-bytes FILE   answers every request with the status, headers and body in FILE (JSON)
 *   empty             answers every request with an empty 200
 *   parse             reads the body, parses it as JSON, answers with an empty 200
 *   read              reads the body, answers `true`
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [mode, file] = process.argv.slice(2);
const handlers = { 'same-bytes': () => sameBytes(JSON.parse(readFileSync(file, 'utf8'))), empty: () => empty, parse: () => parse, read: () => read };

const server = createServer(handlers[mode]());
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));

/** @param encoding of the body: `base64` for bytes that are no text */
function sameBytes({ headers, body, encoding = 'utf8' }) {
  const bytes = Buffer.from(body, encoding);
  const flat = Object.entries(headers).flat();
  return (request, response) => {
    response.writeHead(200, flat);
    response.end(bytes);
  };
}

function empty(request, response) {
  response.writeHead(200, { 'Content-Length': 0 });
  response.end();
}

function parse(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    response.writeHead(200, { 'Content-Length': 0 });
    response.end();
  });
}

function read(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (Buffer.concat(chunks).length === 0) throw new Error('a request had no body');
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 4 });
    response.end('true');
  });
}
