/** Requests of operators about an instance or a service, over real HTTP. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInstance } from '../../registry/kind/catalog/find.ts';
import { parsed, startAdmin } from './admin.case.ts';

type Admin = Awaited<ReturnType<typeof startAdmin>>;

let admin: Admin;

beforeEach(async () => {
  admin = await startAdmin();
  for (const node of ['n1', 'n2']) await register(node, 'i');
  await register('n1', 'alone');
});
afterEach(() => admin.close());

async function register(node: string, id: string): Promise<void> {
  await admin.replica.submit({
    ...{ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure' },
    instances: [{ id, service: 'web' }],
  });
}

async function ask(method: string, path: string, body?: unknown): Promise<[status: number, answer: Record<string, unknown>]> {
  const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const reply = await admin.call(method, `/rollcall/v1/${path}`, bytes === undefined ? {} : { body: bytes });
  return [reply.status, parsed(reply)];
}

const put = (body: unknown) => ask('PUT', 'instance/status', body);

describe('the status of an instance', () => {
  it('is overridden and cleared, and the answer has the effective status', async () => {
    const [status, answer] = await put({ service: 'web', id: 'alone', override: 'out_of_service' });
    const shown = { namespace: 'default', service: 'web', node: 'n1', id: 'alone', status: 'up', override: 'out_of_service', enabled: true };
    expect([status, answer]).toEqual([200, { ...shown, effective: 'maintenance' }]);
    expect((await put({ service: 'web', id: 'alone', enabled: false }))[1]).toEqual({ ...shown, enabled: false, effective: 'maintenance' });
    const cleared = (await put({ service: 'web', id: 'alone', override: null, enabled: true }))[1];
    expect(cleared).toEqual({ ...shown, override: null, effective: 'passing' });
  });

  it('belongs to one instance: the request names the node when several have the id', async () => {
    expect(await put({ service: 'web', id: 'i', override: 'draining' })).toEqual([
      400,
      { code: 'failed_precondition', message: 'service web has 2 instances i, on the nodes n1, n2; name one node' },
    ]);
    expect((await put({ service: 'web', id: 'i', node: 'n2', override: 'draining' }))[1]).toMatchObject({ node: 'n2', effective: 'draining' });
    expect(findInstance(admin.replica.state, 'default', 'n1', 'i')?.override).toBeUndefined();
  });

  it.each<[string, unknown, number, string]>([
    ['an instance that does not exist', { service: 'web', id: 'x', override: 'up' }, 404, 'service web has no instance x'],
    ['an instance of another service', { service: 'other', id: 'i', override: 'up' }, 404, 'service other has no instance i'],
    ['a node without it', { service: 'web', id: 'i', node: 'n3', override: 'up' }, 404, 'has no instance i on node n3'],
    ['an unknown word', { service: 'web', id: 'i', override: 'passing' }, 400, 'one of up, starting, draining, out_of_service, down, or null'],
    ['nothing to set', { service: 'web', id: 'i' }, 400, 'give override, enabled, or both'],
    ['no service', { id: 'i', override: 'up' }, 400, 'service must be a string'],
    ['an empty id', { service: 'web', id: '', override: 'up' }, 400, 'id is empty'],
    ['an unknown field', { service: 'web', id: 'i', overide: 'up' }, 400, 'unknown field "overide"; there are namespace, service, id'],
    ['a word for a flag', { service: 'web', id: 'i', enabled: 'no' }, 400, 'enabled must be true or false'],
    ['no JSON', '{', 400, 'not JSON'],
    ['a list', [], 400, 'must be a JSON object'],
  ])('is refused for %s', async (_what, body, status, message) => {
    expect(await put(body)).toEqual([status, { code: expect.any(String), message: expect.stringContaining(message) }]);
  });
});

describe('the record of a service', () => {
  it('is written, read and removed, with and without instances', async () => {
    expect(await ask('GET', 'service?name=new')).toEqual([404, { code: 'not_found', message: 'there is no service new' }]);
    const record = { namespace: 'default', name: 'new', meta: { owner: 'shop' }, protectThreshold: 0.5, instances: 0 };
    expect(await ask('PUT', 'service?name=new', { meta: { owner: 'shop' }, protectThreshold: 0.5 })).toEqual([200, record]);
    expect(await ask('GET', 'service?name=new')).toEqual([200, record]);
    expect(await ask('GET', 'service?name=web')).toEqual([200, { namespace: 'default', name: 'web', meta: {}, protectThreshold: 0, instances: 3 }]);
    expect(await ask('DELETE', 'service?name=new')).toEqual([200, { deleted: true }]);
    expect(await ask('DELETE', 'service?name=new')).toEqual([200, { deleted: false }]);
  });

  it.each<[string, string, unknown, string]>([
    ['no name', 'service', {}, 'name the service'],
    ['a threshold beyond 1', 'service?name=a', { protectThreshold: 2 }, 'from 0 to 1'],
    ['a threshold in words', 'service?name=a', { protectThreshold: 'half' }, 'must be a number'],
    ['metadata that is no text', 'service?name=a', { meta: { a: 1 } }, '"a" does not fit'],
    ['too much metadata', 'service?name=a', { meta: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [at, ''])) }, 'the limit is 64'],
    ['a prototype in metadata', 'service?name=a', '{"meta":{"__proto__":"x"}}', '"__proto__" does not fit'],
  ])('is refused with %s', async (_what, path, body, message) => {
    expect(await ask('PUT', path, body)).toEqual([400, { code: 'invalid_argument', message: expect.stringContaining(message) }]);
  });
});
