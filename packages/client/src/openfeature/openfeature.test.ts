/** The provider in the real SDK of OpenFeature for servers, over a real registry. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenFeature, ProviderEvents, ProviderStatus, type Client, type EventDetails } from '@openfeature/server-sdk';
import { createServer, type Server } from '@rollcall/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { publish } from '../config/config-server.case.ts';
import { connect, type ConnectOptions, type Flags } from '../index.ts';
import { RollcallProvider } from './index.ts';

const closing: (() => unknown)[] = [];
let server: Server;
let domains = 0;

beforeEach(async () => {
  server = await createServer();
  closing.push(() => server.close());
});
afterEach(async () => {
  await OpenFeature.clearProviders();
  for (const close of closing.splice(0).toReversed()) await close();
});

const definition = (more: object = {}) =>
  JSON.stringify({
    flags: {
      checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '==': [{ var: 'tier' }, 'gold'] }, 'on'] }, metadata: { team: 'web' } },
      color: { state: 'ENABLED', variants: { a: 'red', b: 'blue' }, defaultVariant: 'a', targeting: { fractional: [['a', 1], ['b', 1]] } },
      limit: { state: 'ENABLED', variants: { five: 5 }, defaultVariant: 'five' },
      theme: { state: 'ENABLED', variants: { dark: { background: 'black' } }, defaultVariant: 'dark' },
      closed: { state: 'DISABLED', variants: { on: true }, defaultVariant: 'on' },
      broken: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on', targeting: { nowhere: [] } },
      mistaken: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on', targeting: { '<': [{ var: 'email' }, 5] } },
      ...more,
    },
  });

const publishFlags = (content: string) => publish(server, 'shop/flags', content, { format: 'flags' });

async function flagsOf(options: ConnectOptions = {}): Promise<Flags> {
  const rollcall = await connect({ servers: [server.url], onEvent: () => {}, ...options });
  closing.push(() => rollcall.close());
  return rollcall.flags('shop/flags', { onError: () => {} });
}

interface Told {
  readonly client: Client;
  /** Resolves with the next event of the kind from now on. */
  readonly next: (kind: ProviderEvents) => Promise<EventDetails | undefined>;
}

/** A client of the SDK with a domain of its own. */
function sdk(): Told & { readonly domain: string } {
  const domain = `domain-${domains++}`;
  const client = OpenFeature.getClient(domain);
  const next: Told['next'] = (kind) =>
    new Promise((resolve) => {
      const handler = (details?: EventDetails) => {
        client.removeHandler(kind, handler);
        resolve(details);
      };
      client.addHandler(kind, handler);
    });
  return { domain, client, next };
}

it('evaluates flags of each type, with variant, reason, metadata and error code', async () => {
  await publishFlags(definition());
  const { domain, client } = sdk();
  await OpenFeature.setProviderAndWait(domain, new RollcallProvider(await flagsOf()));
  expect(client.metadata.providerMetadata.name).toBe('rollcall');
  const flagKeys = { gold: { tier: 'gold' }, user: { targetingKey: 'user-1' } };
  expect(await client.getBooleanDetails('checkout', false, flagKeys.gold)).toMatchObject({ value: true, variant: 'on', reason: 'TARGETING_MATCH', flagMetadata: { team: 'web' } });
  expect(await client.getBooleanDetails('checkout', true)).toMatchObject({ value: false, variant: 'off', reason: 'DEFAULT' });
  expect(await client.getStringDetails('color', 'none', flagKeys.user)).toMatchObject({ reason: 'SPLIT' });
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 5, variant: 'five', reason: 'STATIC' });
  expect(await client.getObjectValue('theme', {})).toEqual({ background: 'black' });
  expect(await client.getBooleanDetails('closed', false)).toMatchObject({ value: false, reason: 'DISABLED' });
  expect(await client.getBooleanDetails('nothing', true)).toMatchObject({ value: true, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
  expect(await client.getStringDetails('limit', 'mine')).toMatchObject({ value: 'mine', reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
  expect(await client.getBooleanDetails('broken', false)).toMatchObject({ value: false, reason: 'ERROR', errorCode: 'PARSE_ERROR' });
  expect(await client.getBooleanDetails('mistaken', false, { email: 'x' })).toMatchObject({ value: false, reason: 'ERROR', errorCode: 'GENERAL' });
});

it('tells the SDK which flags have changed', async () => {
  await publishFlags(definition());
  const { domain, client, next } = sdk();
  await OpenFeature.setProviderAndWait(domain, new RollcallProvider(await flagsOf()));
  const changed = next(ProviderEvents.ConfigurationChanged);
  await publishFlags(definition({ limit: { state: 'ENABLED', variants: { six: 6 }, defaultVariant: 'six' }, fresh: { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a' } }));
  expect((await changed)?.flagsChanged).toEqual(['limit', 'fresh']);
  expect(await client.getNumberValue('limit', 1)).toBe(6);
});

it('is in error without flags, evaluates to the defaults of the code, and is ready when flags come', async () => {
  const { domain, client, next } = sdk();
  const failed = next(ProviderEvents.Error);
  await expect(OpenFeature.setProviderAndWait(domain, new RollcallProvider(await flagsOf({ timeoutMs: 300 })))).rejects.toThrow('has no release for this client');
  await failed;
  expect(client.providerStatus).toBe(ProviderStatus.ERROR);
  expect(await client.getBooleanDetails('checkout', true)).toMatchObject({ value: true, reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' });
  const ready = next(ProviderEvents.Ready);
  await publishFlags(definition());
  await ready;
  expect(await client.getNumberValue('limit', 1)).toBe(5);
});

it('keeps the flags and is stale after a release that is no definition, until the next good one', async () => {
  await publishFlags(definition());
  const { domain, client, next } = sdk();
  await OpenFeature.setProviderAndWait(domain, new RollcallProvider(await flagsOf()));
  const stale = next(ProviderEvents.Stale);
  await publishFlags('{"flags":7}');
  expect((await stale)?.message).toContain('flags must be an object');
  expect(client.providerStatus).toBe(ProviderStatus.STALE);
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 5, reason: 'STALE' });
  const ready = next(ProviderEvents.Ready);
  await publishFlags(definition());
  await ready;
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 5, reason: 'STATIC' });
});

it('is stale while the registry is away, and starts from the disk cache without one', async () => {
  await publishFlags(definition());
  const cacheDir = await mkdtemp(join(tmpdir(), 'rollcall-flags-'));
  closing.push(() => rm(cacheDir, { recursive: true }));
  const { domain, client, next } = sdk();
  const rollcall = await connect({ servers: [server.url], onEvent: () => {}, cacheDir });
  await OpenFeature.setProviderAndWait(domain, new RollcallProvider(rollcall.flags('shop/flags')));
  expect(client.providerStatus).toBe(ProviderStatus.READY);
  const stale = next(ProviderEvents.Stale);
  await server.close();
  await stale;
  expect(await client.getNumberDetails('limit', 1)).toMatchObject({ value: 5, reason: 'STALE' });
  await rollcall.close();
  const later = sdk();
  const cached = later.next(ProviderEvents.Stale);
  await OpenFeature.setProviderAndWait(later.domain, new RollcallProvider(await flagsOf({ cacheDir })));
  await cached;
  expect(await later.client.getNumberDetails('limit', 1)).toMatchObject({ value: 5, reason: 'CACHED' });
});
