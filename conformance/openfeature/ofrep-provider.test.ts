/** The OFREP provider of OpenFeature for Node, against a real server: values, reasons, defaults and errors as its users see them. */

import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature, type Client } from '@openfeature/server-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from '../../packages/server/src/config-server.case.ts';

const flags = {
  flags: {
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'on', null] } },
    colour: { state: 'ENABLED', variants: { red: 'red', blue: 'blue' }, defaultVariant: 'red', targeting: { fractional: [['red', 50], ['blue', 50]] } },
    limit: { state: 'ENABLED', variants: { low: 10 }, defaultVariant: 'low' },
    theme: { state: 'ENABLED', variants: { dark: { css: 'dark.css' } }, defaultVariant: 'dark' },
    off: { state: 'DISABLED', variants: { a: 'a' }, defaultVariant: 'a' },
  },
};

let server: ConfigServer;
let client: Client;

beforeAll(async () => {
  server = await ConfigServer.start();
  await server.publish('shop/web.flags.json', JSON.stringify(flags), { format: 'flags' });
  await OpenFeature.setProviderAndWait('rollcall', new OFREPProvider({ baseUrl: `${server.server.url}/ofrep/shop/web.flags.json` }));
  client = OpenFeature.getClient('rollcall');
});

afterAll(async () => {
  await OpenFeature.close();
  await server[Symbol.asyncDispose]();
});

test('gets values of every type with their reasons', async () => {
  expect(await client.getBooleanDetails('checkout', false, { targetingKey: 'u1', plan: 'gold' })).toMatchObject({ value: true, variant: 'on', reason: 'TARGETING_MATCH' });
  expect(await client.getBooleanDetails('checkout', true, { targetingKey: 'u1' })).toMatchObject({ value: false, variant: 'off', reason: 'DEFAULT' });
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 10, variant: 'low', reason: 'STATIC' });
  expect(await client.getObjectDetails('theme', {})).toMatchObject({ value: { css: 'dark.css' }, reason: 'STATIC' });
  const split = await client.getStringDetails('colour', 'none', { targetingKey: 'u1' });
  expect(split).toMatchObject({ value: expect.stringMatching(/^(red|blue)$/) as string, reason: 'SPLIT' });
  expect((await client.getStringDetails('colour', 'none', { targetingKey: 'u1' })).value).toBe(split.value);
});

test('gets the default of the code for a missing flag and for another type, with the code of the error', async () => {
  expect(await client.getStringDetails('missing', 'mine')).toMatchObject({ value: 'mine', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
  expect(await client.getStringDetails('limit', 'mine')).toMatchObject({ value: 'mine', errorCode: 'TYPE_MISMATCH' });
});

test('sees a publication with its next evaluation', async () => {
  await server.publish('shop/web.flags.json', JSON.stringify({ flags: { ...flags.flags, limit: { ...flags.flags.limit, variants: { low: 20 } } } }), { format: 'flags' });
  expect(await client.getNumberValue('limit', 1)).toBe(20);
});
