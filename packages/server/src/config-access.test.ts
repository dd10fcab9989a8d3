/**
 * Every route of the front ends for configurations, for each kind of caller: without a token, with a wrong one, with every right but the one that the
 * table declares, with that one alone, and with all. The expected status follows from the declaration; default policy deny.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigServer, managementToken } from './config-server.case.ts';
import { surface as apollo } from './frontend/apollo/routes.ts';
import { surface as ofrep } from './frontend/ofrep/routes.ts';
import { surface as spring } from './frontend/spring-config/routes.ts';
import type { Access } from './security/access.ts';

const entries = encodeURIComponent('[{"namespaceName": "application", "notificationId": -1}]');

/** A request that succeeds for a caller with the right, for each route of the tables. */
const samples: Readonly<Record<string, string>> = {
  '/services/config': '/services/config',
  '/configs/{app}/{cluster}/{name}': '/configs/shop/default/application',
  '/configfiles/{app}/{cluster}/{name}': '/configfiles/json/shop/default/application',
  '/notifications/v2': `/notifications/v2?appId=shop&cluster=default&notifications=${entries}`,
  '/ofrep/{app}/{name}/ofrep/v1/evaluate/flags/{key}': '/ofrep/shop/web.flags/ofrep/v1/evaluate/flags/a',
  '/ofrep/{app}/{name}/ofrep/v1/evaluate/flags': '/ofrep/shop/web.flags/ofrep/v1/evaluate/flags',
  '/ofrep/{app}/{name}/ofrep/v1/events': '/ofrep/shop/web.flags/ofrep/v1/events?until=9&proof=x',
  '/spring/key': '/spring/key',
  '/spring/encrypt': '/spring/encrypt',
  '/spring/{name}-{profiles}.{ending}': '/spring/shop-prod.json',
  '/spring/{label}/{name}-{profiles}.{ending}': '/spring/default/shop-prod.json',
  '/spring/{name}/{profiles}': '/spring/shop/prod',
  '/spring/{name}/{profiles}/{label}': '/spring/shop/prod/default',
  '/spring/{name}/{profiles}/{label}/{path}': '/spring/shop/prod/default/web.flags',
};

interface Row {
  readonly path: string;
  readonly methods: readonly string[];
  readonly access: Access;
}

const rows: readonly Row[] = [apollo, ofrep, spring].flatMap((surface) => Object.values<Row>(surface));
const others = 'key_prefix "" { policy = "write" }\nservice_prefix "" { policy = "write" }\nnode_prefix "" { policy = "write" }\nconfig_prefix "" { policy = "deny" }\noperator = "write"';

let server: ConfigServer;
beforeAll(async () => {
  server = await ConfigServer.start({ acl: { initialManagement: managementToken } });
  await server.publish('shop/application.properties', 'a=1\n', { format: 'properties' });
  await server.publish('shop/web.flags', JSON.stringify({ flags: { a: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' } } }), { format: 'flags' });
});
afterAll(() => server[Symbol.asyncDispose]());

async function statusFor(row: Row, token: string | undefined): Promise<number> {
  const method = row.methods.includes('POST') ? 'POST' : 'GET';
  const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token };
  return (await server.ask(samples[row.path] ?? '', { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })).status;
}

test('every route has a sample', () => {
  expect(rows.map(({ path }) => path).sort()).toEqual(Object.keys(samples).sort());
});

describe.each(rows)('$path', (row) => {
  test('lets in those that the table says', async () => {
    const callers = [undefined, 'wrong', await server.tokenWith(others), await server.tokenWith('config_prefix "" { policy = "read" }'), managementToken];
    const statuses: number[] = [];
    for (const token of callers) statuses.push(await statusFor(row, token));
    if (row.access.kind === 'demands-by-name') expect(statuses).toEqual([403, 401, 403, 200, 200]);
    // The same for every caller whose token is known: no right decides.
    else expect([statuses[0], statuses[1], new Set([statuses[0], ...statuses.slice(2)]).size]).toEqual([expect.any(Number), 401, 1]);
  });
});
