/** flagd's sync protocol over gRPC: flags, their next releases, rights, rollouts, and what is refused. */

import { Client, credentials, Metadata, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { paths } from './messages.ts';

const flags = (value: string) => JSON.stringify({ flags: { colour: { state: 'ENABLED', variants: { only: value }, defaultVariant: 'only' } } });
const { root } = protobuf.parse('syntax = "proto3"; message Request { string provider_id = 1; string selector = 2; } message Flags { string flag_configuration = 1; }', { keepCase: true });
const same = (bytes: Buffer) => bytes;
const asked = (selector: string) => Buffer.from(root.lookupType('Request').encode({ provider_id: 'test', selector }).finish());
const textOf = (bytes: Uint8Array) => (root.lookupType('Flags').decode(bytes) as unknown as { flag_configuration: string }).flag_configuration;

let sync: ConfigServer;
let client: Client;

beforeAll(async () => {
  sync = await ConfigServer.start({ grpc: {}, acl: { initialManagement: managementToken } });
  client = new Client(`127.0.0.1:${sync.server.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await sync[Symbol.asyncDispose]();
});

const headersWith = async (rules: string, more: Readonly<Record<string, string>> = {}) => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await sync.tokenWith(rules)}`);
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return metadata;
};
const readsShop = 'config_prefix "shop/" { policy = "read" }';

const fetchAll = (selector: Buffer, metadata: Metadata) =>
  new Promise<string>((resolve, reject) => client.makeUnaryRequest(paths.fetch, same, same, selector, metadata, (error, answer) => (error === null ? resolve(textOf(answer as Buffer)) : reject(error))));

/** Messages of a stream, one after the other; its end is an error. */
class Stream {
  readonly #stream: ClientReadableStream<Buffer>;
  readonly #messages: AsyncIterator<Buffer>;

  constructor(selector: string, metadata: Metadata) {
    this.#stream = client.makeServerStreamRequest(paths.sync, same, same, asked(selector), metadata);
    this.#messages = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async next(): Promise<string> {
    const { value } = await this.#messages.next();
    return textOf(value as Buffer);
  }

  cancel(): void {
    this.#stream.on('error', () => {});
    this.#stream.cancel();
  }
}

const refused = (code: status) => expect.objectContaining({ code }) as ServiceError;

test('a stream has the flags now and after each publication, and not after one of another configuration', async () => {
  await sync.publish('shop/a.json', flags('red'), { format: 'flags' });
  const stream = new Stream('shop/a.json', await headersWith(readsShop));
  expect(await stream.next()).toBe(flags('red'));
  await sync.publish('shop/other.json', flags('grey'), { format: 'flags' });
  await sync.publish('shop/a.json', flags('blue'), { format: 'flags' });
  expect(await stream.next()).toBe(flags('blue'));
  expect(await fetchAll(asked('shop/a.json'), await headersWith(readsShop))).toBe(flags('blue'));
  expect(await fetchAll(asked(''), await headersWith(readsShop, { 'flagd-selector': 'shop/a.json' }))).toBe(flags('blue'));
  stream.cancel();
});

test('a stream has the release of a rollout that has chosen the instance at its address', async () => {
  const headers = { 'x-consul-token': managementToken };
  const register = (node: string, address: string) => sync.ask('/v1/catalog/register', { method: 'PUT', headers, body: JSON.stringify({ Node: node, Address: address, Service: { ID: 'shop-1', Service: 'shop' } }) });
  await Promise.all([register('here', '127.0.0.1'), register('there', '10.0.0.2')]);
  await sync.publish('shop/rolled.json', flags('old'), { format: 'flags' });
  const stream = new Stream('shop/rolled.json', await headersWith(readsShop));
  expect(await stream.next()).toBe(flags('old'));
  const rollOutTo = (instance: string) =>
    sync.publish('shop/rolled.json', flags(`for ${instance}`), { format: 'flags', rollout: { name: 'next', priority: 0, rule: { kind: 'instance', instances: [instance] }, plan: { stages: [{ count: 1, bakeMs: 3_600_000 }] } } });
  await rollOutTo('there/shop-1');
  await rollOutTo('here/shop-1');
  expect(await stream.next()).toBe(flags('for here/shop-1'));
  stream.cancel();
});

describe('refuses', () => {
  test('a selector that is none, a missing configuration, and bytes that are no message', async () => {
    const metadata = await headersWith(readsShop);
    for (const selector of ['', 'shop', '/a', 'shop/']) await expect(fetchAll(asked(selector), metadata)).rejects.toEqual(refused(status.INVALID_ARGUMENT));
    await expect(fetchAll(asked('shop/missing'), metadata)).rejects.toEqual(refused(status.NOT_FOUND));
    await expect(fetchAll(Buffer.from([0xff, 0xff, 0xff]), metadata)).rejects.toEqual(refused(status.INVALID_ARGUMENT));
    await expect(fetchAll(asked('shop/a.json'), await headersWith(readsShop, { 'x-rollcall-namespace': 'no namespace' }))).rejects.toEqual(refused(status.INVALID_ARGUMENT));
    await expect(new Stream('shop/missing', metadata).next()).rejects.toEqual(refused(status.NOT_FOUND));
  });

  test('a content that has no flags', async () => {
    await sync.publish('shop/text', 'no flags', { format: 'text' });
    await expect(new Stream('shop/text', await headersWith(readsShop)).next()).rejects.toEqual(refused(status.FAILED_PRECONDITION));
  });

  test('a caller without the right to read, or with a wrong token', async () => {
    await sync.publish('shop/mine.json', flags('x'), { format: 'flags' });
    await expect(new Stream('shop/mine.json', await headersWith('config_prefix "other/" { policy = "read" }')).next()).rejects.toEqual(refused(status.PERMISSION_DENIED));
    const wrong = new Metadata();
    wrong.set('authorization', 'Bearer wrong');
    await expect(new Stream('shop/mine.json', wrong).next()).rejects.toEqual(refused(status.UNAUTHENTICATED));
  });
});

test('a stream ends when its configuration is removed', async () => {
  await sync.publish('shop/gone.json', flags('x'), { format: 'flags' });
  const stream = new Stream('shop/gone.json', await headersWith(readsShop));
  await stream.next();
  await sync.configurations.remove({ namespace: 'default', app: 'shop', cluster: 'default', name: 'gone.json' }, undefined);
  await expect(stream.next()).rejects.toEqual(refused(status.NOT_FOUND));
});
