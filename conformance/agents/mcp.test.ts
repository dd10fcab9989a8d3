/**
 * An MCP server of the official SDK registers itself, is found in the form of the MCP registry's API, and disappears from it when it stops
 * answering, although its process still runs.
 */

import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { connect, type Rollcall } from '@rollcall/client';
import { createServer, type Server } from '@rollcall/server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

interface Entry {
  readonly server: { readonly name: string; readonly version: string; readonly remotes: readonly { readonly type: string; readonly url: string }[] };
}

let registry: Server;
let rollcall: Rollcall;
beforeAll(async () => {
  registry = await createServer();
  rollcall = await connect({ servers: [registry.url] });
});
afterAll(async () => {
  await rollcall.close();
  await registry.close();
});

/** A server with one tool. `refuse` makes it answer with errors from then on. */
async function startMcpServer(version: string) {
  let isRefusing = false;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (isRefusing) {
      response.writeHead(500).end();
      return;
    }
    const mcp = new McpServer({ name: 'weather', version });
    mcp.registerTool('forecast', { description: 'Says what the weather will be' }, () => ({ content: [{ type: 'text', text: `sun, says ${version}` }] }));
    const transport = new StreamableHTTPServerTransport();
    response.once('close', () => void mcp.close());
    await mcp.connect(transport);
    await transport.handleRequest(request, response);
  };
  const http = createHttpServer((request, response) => void answer(request, response));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  const { port } = http.address() as AddressInfo;
  return {
    port,
    refuse: () => {
      isRefusing = true;
    },
    close: () => new Promise((done) => http.close(done).closeAllConnections()),
  };
}

const servers = async (query = '') => ((await (await fetch(`${registry.url}/v0.1/servers${query}`)).json()) as { servers: Entry[] }).servers;
const register = (port: number, version: string) =>
  rollcall.register({
    service: 'weather',
    id: `weather-${version}`,
    address: '127.0.0.1',
    port,
    tags: ['mcp'],
    meta: { 'mcp-name': 'com.example/weather', 'mcp-version': version },
    checks: [{ mcp: `http://127.0.0.1:${port}/mcp`, intervalMs: 1_000, timeoutMs: 5_000 }],
  });

test('a client finds a server of the SDK in the registry, calls its tool, and no longer finds it when it fails', async () => {
  const [one, two] = [await startMcpServer('1.9.0'), await startMcpServer('1.10.0')];
  await register(one.port, '1.9.0');
  await register(two.port, '1.10.0');
  await vi.waitUntil(async () => (await servers()).length === 2, { timeout: 20_000, interval: 50 });
  expect((await servers()).map(({ server }) => server.version)).toEqual(['1.10.0', '1.9.0']);

  const latest = (await (await fetch(`${registry.url}/v0.1/servers/com.example%2Fweather/versions/latest`)).json()) as Entry;
  expect(latest.server.remotes).toEqual([{ type: 'streamable-http', url: `http://127.0.0.1:${two.port}/mcp` }]);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(latest.server.remotes[0]?.url ?? '')));
  expect(await client.callTool({ name: 'forecast' })).toMatchObject({ content: [{ text: 'sun, says 1.10.0' }] });
  await client.close();

  two.refuse();
  await vi.waitUntil(async () => (await servers()).length === 1, { timeout: 20_000, interval: 50 });
  expect((await servers('?version=latest')).map(({ server }) => server.version)).toEqual(['1.9.0']);
  await Promise.all([one.close(), two.close()]);
  await vi.waitUntil(async () => (await servers()).length === 0, { timeout: 20_000, interval: 50 });
});
