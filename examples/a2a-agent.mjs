/**
 * The part of an A2A agent that a registry needs, its card, without packages: `node examples/a2a-agent.mjs 9000`. A real one uses an SDK
 * (https://a2a-protocol.org/latest/sdk/).
 */

import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 9000);
const card = {
  name: 'Planner',
  description: 'Plans trips',
  version: '1.0.0',
  supportedInterfaces: [{ url: `http://127.0.0.1:${port}/rpc`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  capabilities: {},
  defaultInputModes: ['text/plain'],
  defaultOutputModes: ['text/plain'],
  skills: [{ id: 'plan', name: 'Plan', description: 'Plans a trip', tags: ['travel'] }],
};

const server = createServer((request, response) => {
  if (request.url === '/.well-known/agent-card.json') response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(card));
  else response.writeHead(404).end();
});
server.listen(port, '127.0.0.1', () => console.log(`agent on port ${port}`));
