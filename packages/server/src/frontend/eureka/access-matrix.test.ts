/**
 * Every route for every kind of caller: without a token, with a wrong one, one that may read the service, one that may write it, one that
 * may write all others, and one that may do everything. The expected result follows from the access that the table declares; default
 * policy deny.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Eureka, usual, type Answer } from './eureka.case.ts';
import { routes, type Route } from './routes.ts';

const management = 'a management token';
let eureka: Eureka;
const tokens = new Map<string, string>();

async function tokenWith(rules: string): Promise<string> {
  const headers = { 'x-consul-token': management };
  const name = `p${tokens.size}`;
  const policy = await eureka.ask('PUT', '/v1/acl/policy', { headers, body: { Name: name, Rules: rules } });
  expect([policy.status, policy.text]).toEqual([200, policy.text]);
  const { text } = await eureka.ask('PUT', '/v1/acl/token', { headers, body: { Policies: [{ Name: name }] } });
  return (JSON.parse(text) as { SecretID: string }).SecretID;
}

beforeAll(async () => {
  eureka = await Eureka.start({ frontends: ['consul', 'eureka'], acl: { initialManagement: management } });
  tokens.set('reader', await tokenWith('service "web" { policy = "read" }'));
  tokens.set('writer', await tokenWith('service "web" { policy = "write" }'));
  tokens.set('other', await tokenWith('service "other" { policy = "write" } agent_prefix "" { policy = "read" }'));
  tokens.set('manager', management);
  tokens.set('unknown', 'no such token');
});
afterAll(() => eureka[Symbol.asyncDispose]());

/** HTTP Basic, as clients send it. */
function headersOf(who: string): Record<string, string> {
  const token = tokens.get(who);
  return token === undefined ? {} : { authorization: `Basic ${Buffer.from(`spring:${token}`).toString('base64')}` };
}

/** The path of a route about the instance of the test. */
function pathOf({ path, action }: Route): string {
  const filled = path.replace(':app', 'WEB').replace(':id', 'h1:web:8080').replace(':vip', action === 'svip' ? 'webs' : 'web').replace(':name', 'g1');
  return `/eureka${filled}${action === 'set-status' ? '?value=UP' : action === 'set-metadata' ? '?k=v' : ''}`;
}

const bodies: Readonly<Partial<Record<Route['action'], object>>> = {
  register: { instance: usual },
  replicate: { replicationList: [{ appName: 'WEB', id: 'h1:web:8080', action: 'Heartbeat' }] },
};

async function ask(route: Route, who: string): Promise<Answer> {
  // The instance is there again for each.
  await eureka.register({}, headersOf('manager'));
  const body = bodies[route.action];
  const answer = await eureka.ask(route.method, pathOf(route), { headers: { accept: 'application/json', ...headersOf(who) }, ...(body === undefined ? {} : { body }) });
  if (route.action !== 'replicate' || answer.status !== 200) return answer;
  // Each change of a batch is answered on its own.
  const status = (JSON.parse(answer.text) as { responseList: { statusCode: number }[] }).responseList[0]?.statusCode ?? 0;
  return { ...answer, status, text: `"status":${status}` };
}

const callers = ['anonymous', 'reader', 'writer', 'other', 'manager'];

/** Whether the caller may use a route that asks for a permission. */
function mayUse({ access }: Route, who: string): boolean {
  if (who === 'manager' || access.kind === 'open') return true;
  if (access.kind !== 'demands-by-name') throw new Error(`the test does not know access ${access.kind}`);
  if (access.resource === 'agent') return who === 'other';
  return who === 'writer' || (who === 'reader' && access.verb === 'read');
}

describe.each(routes.map((route) => ({ route, name: `${route.method} ${route.path}` })))('$name', ({ route }) => {
  test('knows no wrong token', async () => {
    const answer = await ask(route, 'unknown');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Basic realm="rollcall"']);
  });

  test.each(callers)('for %s', async (who) => {
    const { status, text } = await ask(route, who);
    expect(status).toBeLessThan(500);
    if (route.access.kind === 'filters') {
      const sees = who !== 'anonymous' && who !== 'other';
      if (route.action === 'overrides') expect(status).toBe(200);
      else if (route.action === 'instance-anywhere') expect(status).toBe(sees ? 200 : 404);
      else {
        expect([status, text.includes('h1:web:8080')]).toEqual([200, sees]);
        // The hash counts what is shown.
        const shown = /"apps__hashcode":"([^"]*)"/.exec(text)?.[1];
        expect(shown).toBe(sees ? 'UP_1_' : '');
      }
    } else if (mayUse(route, who)) expect(status).not.toBe(403);
    else expect([status, text]).toEqual([403, expect.stringContaining('"status":403') as string]);
  });
});

test('the hash of a caller counts what the list shows', async () => {
  await eureka.register({ app: 'OTHER', instanceId: 'o1' }, headersOf('manager'));
  await eureka.register({}, headersOf('manager'));
  const hashes = await Promise.all(['reader', 'other', 'manager'].map(async (who) => (await eureka.apps('/eureka/apps', headersOf(who))).apps__hashcode));
  const { application } = await eureka.apps('/eureka/apps', headersOf('manager'));
  const all = application.flatMap(({ instance }) => instance).length;
  expect(hashes).toEqual(['UP_1_', 'UP_1_', `UP_${all}_`]);
  expect((await eureka.apps('/eureka/apps/delta', headersOf('other'))).application.map(({ name }) => name)).toEqual(['OTHER']);
});

test('an id of another protocol is not taken from its service by a caller without rights on that', async () => {
  await eureka.register({ app: 'OTHER', instanceId: 'o1' }, headersOf('manager'));
  const answer = await eureka.ask('DELETE', '/eureka/apps/OTHER/o1', { headers: headersOf('writer') });
  expect(answer.status).toBe(403);
});
