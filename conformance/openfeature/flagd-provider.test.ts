/** The provider of flagd for Node in its mode `in-process`, unmodified, against a real server: it gets flags and their changes over flagd's sync protocol. */

import { FlagdProvider } from '@openfeature/flagd-provider';
import { OpenFeature, ProviderEvents, type Client } from '@openfeature/server-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from '../../packages/server/src/config-server.case.ts';

const flags = (limit: number) => ({
  flags: {
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'on', null] } },
    limit: { state: 'ENABLED', variants: { low: limit }, defaultVariant: 'low' },
  },
});

let server: ConfigServer;
let client: Client;

beforeAll(async () => {
  server = await ConfigServer.start({ grpc: {} });
  await server.publish('shop/web.flags.json', JSON.stringify(flags(10)), { format: 'flags' });
  const provider = new FlagdProvider({ resolverType: 'in-process', host: '127.0.0.1', port: server.server.ports.grpc ?? 0, selector: 'shop/web.flags.json' });
  await OpenFeature.setProviderAndWait('flagd', provider);
  client = OpenFeature.getClient('flagd');
});

afterAll(async () => {
  await OpenFeature.close();
  await server[Symbol.asyncDispose]();
});

test('evaluates the flags of the configuration in its process', async () => {
  expect(await client.getBooleanDetails('checkout', false, { targetingKey: 'u1', plan: 'gold' })).toMatchObject({ value: true, variant: 'on', reason: 'TARGETING_MATCH' });
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 10, reason: 'STATIC' });
  expect(await client.getStringDetails('missing', 'mine')).toMatchObject({ value: 'mine', errorCode: 'FLAG_NOT_FOUND' });
});

test('is told of a publication, and which flags have changed', async () => {
  const changed = new Promise<readonly string[] | undefined>((resolve) => client.addHandler(ProviderEvents.ConfigurationChanged, (details) => resolve(details?.flagsChanged)));
  await server.publish('shop/web.flags.json', JSON.stringify(flags(20)), { format: 'flags' });
  expect(await changed).toEqual(['limit']);
  expect(await client.getNumberValue('limit', 1)).toBe(20);
});
