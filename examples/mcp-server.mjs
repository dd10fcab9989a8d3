/**
 * A server of the Model Context Protocol over Streamable HTTP, without packages: `node examples/mcp-server.mjs 8080`. It has one tool and no
 * sessions. A real one uses an SDK (https://modelcontextprotocol.io/docs/sdk).
 */

import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 8080);
const tools = [{ name: 'forecast', description: 'Says what the weather will be', inputSchema: { type: 'object' } }];

const methods = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'weather', version: '1.2.0' } }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'Sun in the morning, rain later' }] }),
};

async function answer(request, response) {
  if (request.url !== '/mcp' || request.method !== 'POST') {
    response.writeHead(request.url === '/mcp' ? 405 : 404).end();
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const { id, method, params = {} } = JSON.parse(body);
  if (id === undefined) {
    // A notification has no answer.
    response.writeHead(202).end();
    return;
  }
  const outcome = Object.hasOwn(methods, method) ? { result: methods[method](params) } : { error: { code: -32601, message: `no method ${method}` } };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
}

const server = createServer((request, response) => void answer(request, response));
server.listen(port, '127.0.0.1', () => console.log(`MCP server on port ${port}`));
