/** An agent of the official A2A SDK registers itself; the SDK's client finds its card at the registry, talks to it, and gets no card of a dead agent. */

import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Role, type AgentCard, type Message } from '@a2a-js/sdk';
import { ClientFactory } from '@a2a-js/sdk/client';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore, type AgentExecutor } from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { connect } from '@rollcall/client';
import { createServer } from '@rollcall/server';
import express from 'express';
import { expect, test, vi } from 'vitest';

const text = (value: string) => ({ content: { $case: 'text' as const, value }, metadata: undefined, filename: '', mediaType: 'text/plain' });

/** Answers every message with a greeting. */
const greeter: AgentExecutor = {
  execute: (context, bus) => {
    const { contextId, taskId } = context;
    bus.publish(AgentEvent.message({ messageId: 'answer', role: Role.ROLE_AGENT, contextId, taskId, parts: [text('hello')], metadata: undefined, extensions: [], referenceTaskIds: [] }));
    bus.finished();
    return Promise.resolve();
  },
  cancelTask: () => Promise.resolve(),
};

async function startAgent() {
  const app = express();
  const http = createHttpServer(app);
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  const { port } = http.address() as AddressInfo;
  const card = {
    name: 'Greeter',
    description: 'Greets',
    version: '1.0.0',
    supportedInterfaces: [{ url: `http://127.0.0.1:${port}/rpc`, protocolBinding: 'JSONRPC', protocolVersion: '1.0', tenant: '' }],
    capabilities: { streaming: false, pushNotifications: false, extensions: [], extendedAgentCard: false },
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    securitySchemes: {},
    securityRequirements: [],
    signatures: [],
    provider: undefined,
  } satisfies AgentCard;
  const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), greeter);
  app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: handler }));
  app.use('/rpc', jsonRpcHandler({ requestHandler: handler, userBuilder: UserBuilder.noAuthentication }));
  return { port, close: () => new Promise((done) => http.close(done).closeAllConnections()) };
}

test("the SDK's client finds an agent by the registry and talks to it", async () => {
  const registry = await createServer();
  const rollcall = await connect({ servers: [registry.url] });
  const agent = await startAgent();
  try {
    const card = `http://127.0.0.1:${agent.port}/.well-known/agent-card.json`;
    await rollcall.register({ service: 'greeter', address: '127.0.0.1', port: agent.port, tags: ['a2a'], checks: [{ http: card, intervalMs: 1_000 }] });
    const listed = async () => ((await (await fetch(`${registry.url}/rollcall/v1/agents`)).json()) as { agents: { card: string }[] }).agents;
    await vi.waitUntil(async () => (await listed()).length === 1, { timeout: 20_000, interval: 50 });
    const [{ card: path } = { card: '' }] = await listed();

    const client = await new ClientFactory().createFromUrl(`${registry.url}${path}`, '');
    const message: Message = { messageId: 'question', role: Role.ROLE_USER, contextId: '', taskId: '', parts: [text('hi')], metadata: undefined, extensions: [], referenceTaskIds: [] };
    const answer = await client.sendMessage({ tenant: '', message, configuration: undefined, metadata: undefined });
    expect(JSON.stringify(answer)).toContain('hello');

    await agent.close();
    await vi.waitUntil(async () => (await fetch(`${registry.url}${path}`)).status === 404, { timeout: 20_000, interval: 50 });
    await vi.waitUntil(async () => (await listed()).length === 0, { timeout: 20_000, interval: 50 });
  } finally {
    await rollcall.close();
    await registry.close();
    await agent.close().catch(() => {});
  }
});
