/** `services`, `instances` and `watch` as processes against a real registry. */

import { describe, expect, it } from 'vitest';
import { registerInstance, rollcall, sharedRegistry, start } from './processes.case.ts';

const { url, ask } = sharedRegistry();
const register = (body: object) => registerInstance(url(), body);

describe('services', () => {
  it('are listed with their tags, for people and for programs', async () => {
    await register({ Name: 'tagged', ID: 't1', Tags: ['b', 'a'] });
    await register({ Name: 'tagged', ID: 't2', Tags: ['c'] });
    await register({ Name: 'plain' });
    const table = await ask(['services']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    const lines = table.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^SERVICE +TAGS$/);
    expect(lines).toContainEqual(expect.stringMatching(/^tagged +a, b, c$/));
    const json = await ask(['services', '--json']);
    expect(JSON.parse(json.stdout)).toContainEqual({ service: 'tagged', tags: ['a', 'b', 'c'] });
    expect(JSON.parse(json.stdout)).toContainEqual({ service: 'plain', tags: [] });
  });

  it('are read from the registry that the environment names', async () => {
    const listed = await rollcall(['services', '--json'], { env: { ROLLCALL_HTTP_ADDR: url() } });
    expect(listed.code).toBe(0);
    expect(Array.isArray(JSON.parse(listed.stdout))).toBe(true);
  });
});

describe('instances', () => {
  it('are listed with any status', async () => {
    await register({ Name: 'web', ID: 'w1', Port: 8080, Address: '10.0.0.1', Tags: ['x'], Meta: { zone: 'a' } });
    await register({ Name: 'web', ID: 'w2', Port: 8081, Check: { TTL: '10s' } });
    const table = await ask(['instances', 'web']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^w1 +10\.0\.0\.1:8080 +passing +\S+ +x$/m);
    expect(table.stdout).toMatch(/^w2 +127\.0\.0\.1:8081 +critical +\S+$/m);
    const json = JSON.parse((await ask(['instances', 'web', '--json'])).stdout) as { instances: object[]; revision: number };
    expect(json).toMatchObject({ service: 'web' });
    expect(json.revision).toBeGreaterThan(0);
    expect(json.instances).toHaveLength(2);
    expect(json.instances).toContainEqual(
      expect.objectContaining({ id: 'w1', address: '10.0.0.1', port: 8080, status: 'passing', tags: ['x'], meta: { zone: 'a' } }),
    );
  });

  it('of a service that does not exist are exit code 3', async () => {
    const missing = await ask(['instances', 'nope']);
    expect(missing).toMatchObject({ code: 3, stdout: '' });
    expect(missing.stderr).toBe('rollcall: no service "nope" is registered; "rollcall services" lists those that are\n');
    const json = await ask(['instances', 'nope', '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ service: 'nope', instances: [] });
  });
});

describe('instances set-status', () => {
  it('overrides the status that an instance reports, until it is cleared', async () => {
    await register({ Name: 'ordered', ID: 'a/1' });
    const node = JSON.parse((await ask(['instances', 'ordered', '--json'])).stdout) as { instances: { node: string }[] };
    const where = `ordered/a/1 on ${node.instances[0]?.node}`;
    const set = await ask(['instances', 'set-status', 'ordered/a/1', 'out_of_service']);
    expect(set).toMatchObject({ code: 0, stderr: '', stdout: `${where} is overridden with out_of_service; its effective status is maintenance\n` });
    expect((await ask(['instances', 'ordered'])).stdout).toMatch(/^a\/1 +\S+ +maintenance /m);
    await register({ Name: 'ordered', ID: 'a/1', Tags: ['again'] });
    expect((await ask(['instances', 'ordered'])).stdout).toMatch(/^a\/1 +\S+ +maintenance +\S+ +again$/m);
    const cleared = await ask(['instances', 'set-status', 'ordered/a/1', '--clear']);
    expect(cleared.stdout).toBe(`${where} has no override; it reports up, its effective status is passing\n`);
    const json = await ask(['instances', 'set-status', 'ordered/a/1', 'draining', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ service: 'ordered', id: 'a/1', override: 'draining', effective: 'draining' });
  });

  it.each<[string, string[], number, string]>([
    ['neither a status nor --clear', ['web/w1'], 2, 'give either a status, or --clear'],
    ['both of them', ['web/w1', 'up', '--clear'], 2, 'give either a status, or --clear'],
    ['no id', ['web', 'up'], 2, '"web" is not SERVICE/ID'],
    ['an effective status', ['web/w1', 'passing'], 2, 'Allowed choices are up, starting, draining, out_of_service, down'],
    ['an instance that does not exist', ['nope/x', 'up'], 3, 'service nope has no instance x'],
  ])('is refused with %s', async (_what, args, code, message) => {
    expect(await ask(['instances', 'set-status', ...args])).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });
});

describe('actions on instances', () => {
  it('drain some of a service after a dry run, and put them back', async () => {
    for (const id of ['a1', 'a2', 'a3']) await register({ Name: 'acted', ID: id });
    const wish = ['instances', 'drain', 'acted/a1', 'acted/a2', '--reason', 'a test'];
    expect(await ask([...wish, '--dry-run'])).toMatchObject({ code: 0, stderr: '', stdout: '2 of 3 would be drained; 2 leave the traffic, 1 with traffic would be left; 0 clients use the service\n' });
    expect((await ask(['instances', 'acted'])).stdout).not.toContain('draining');
    expect(await ask(wish)).toMatchObject({ code: 0, stdout: '2 of 3 drained; 2 left the traffic, 1 with traffic left; 0 clients use the service\n' });
    expect((await ask(['instances', 'acted'])).stdout).toMatch(/^a1 .* draining /m);
    const json = JSON.parse((await ask(['instances', 'undrain', 'acted', '--json'])).stdout) as object;
    expect(json).toMatchObject({ applied: 3, of: 3, returns: 2, left: 3, refused: [] });
  });

  it('set a weight, check, and deregister', async () => {
    await register({ Name: 'weighed', ID: 'w1', Check: { TTL: '60s', Status: 'passing' } });
    expect((await ask(['instances', 'weight', '0.5', 'weighed/w1'])).stdout).toContain('1 of 1 weighed');
    const { instances } = JSON.parse((await ask(['instances', 'weighed', '--json'])).stdout) as { instances: { weight: number }[] };
    expect(instances[0]?.weight).toBe(0.5);
    expect((await ask(['instances', 'weight', 'own', 'weighed'])).code).toBe(0);
    expect(await ask(['instances', 'check', 'weighed'])).toMatchObject({ code: 1, stderr: expect.stringContaining('the registry cannot run its checks (ttl)') });
    expect((await ask(['instances', 'deregister', 'weighed/w1'])).stdout).toContain('1 of 1 deregistered; 1 left the traffic, 0 with traffic left');
  });

  it.each<[string, string[], number, string]>([
    ['a service without instances', ['drain', 'nope'], 3, 'service "nope" has no instance'],
    ['an unknown instance', ['drain', 'acted/none'], 3, 'service "acted" has no instance "none"'],
    ['no id after the slash', ['drain', 'acted/'], 2, 'is neither SERVICE nor SERVICE/ID'],
    ['a weight that is none', ['weight', 'heavy', 'acted'], 2, 'a weight is a number from 0 to 65535'],
  ])('are refused for %s', async (_what, args, code, message) => {
    expect(await ask(['instances', ...args])).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });
});

describe('explain', () => {
  it('shows for each instance whether a new client would choose it, or why not', async () => {
    await register({ Name: 'told', ID: 't1', Port: 8080, Address: '10.0.0.1', Meta: { zone: 'a' }, Tags: ['new'] });
    await register({ Name: 'told', ID: 't2', Port: 8081, Check: { TTL: '10s' } });
    await register({ Name: 'told', ID: 't3', Port: 8082, Weights: { Passing: 3, Warning: 1 } });
    const table = await ask(['explain', 'told']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^told: 2 of 3 eligible; list from the registry at revision \d+$/m);
    expect(table.stdout).toMatch(/^t1 +10\.0\.0\.1:8080 +passing +1 +25 % +yes$/m);
    expect(table.stdout).toMatch(/^t2 +127\.0\.0\.1:8081 +critical +1 +0 % +no +critical$/m);
    expect(table.stdout).toMatch(/^t3 +127\.0\.0\.1:8082 +passing +3 +75 % +yes$/m);
    expect(table.stdout).toMatch(/For a client that has just started[^]*watch --type checks --service told --once/);
    const selected = await ask(['explain', 'told', '--tag', 'new']);
    expect(selected.stdout).toMatch(/^t3 .* no +not selected$/m);
    const json = JSON.parse((await ask(['explain', 'told', '--json'])).stdout) as { instances: object[] };
    expect(json).toMatchObject({ service: 'told', list: { origin: 'registry', stale: false }, groups: [{ rule: 'ready', share: 1 }] });
    expect(json.instances).toContainEqual(
      expect.objectContaining({ instance: expect.objectContaining({ id: 't2' }) as object, standing: 'out', reasons: [{ kind: 'status', status: 'critical' }] }),
    );
  });

  it('shows critical instances as chosen when a service has no others', async () => {
    await register({ Name: 'ill', ID: 'i1', Port: 8081, Check: { TTL: '10s' } });
    const table = await ask(['explain', 'ill']);
    expect(table.stdout).toMatch(/^instances: none is ready, so critical ones are chosen/m);
    expect(table.stdout).toMatch(/^i1 .* yes$/m);
  });

  it('of a service that does not exist is exit code 3', async () => {
    const missing = await ask(['explain', 'nope']);
    expect(missing).toMatchObject({ code: 3, stdout: '' });
    expect(missing.stderr).toBe('rollcall: no service "nope" is registered; "rollcall services" lists those that are\n');
  });
});

describe('watch', () => {
  it('prints one line of JSON per change, from before the service exists until after it is removed', async () => {
    const watch = start(['watch', 'coming', '--json', '--addr', url()]);
    const first = JSON.parse((await watch.seen(/^.*\n/))[0]) as object;
    expect(first).toMatchObject({ service: 'coming', instances: [], stale: false });
    await register({ Name: 'coming', ID: 'c1', Port: 8080 });
    const second = JSON.parse((await watch.seen(/^.*"c1".*\n/m))[0]) as { revision: number };
    expect(second).toMatchObject({ instances: [{ id: 'c1', port: 8080 }] });
    await fetch(`${url()}/v1/agent/service/deregister/c1`, { method: 'PUT' });
    const third = JSON.parse((await watch.seen(/"c1".*\n([^]*"instances":\[\].*\n)/))[1] ?? '') as { revision: number };
    expect(third.revision).toBeGreaterThan(second.revision);
    watch.child.kill('SIGINT');
    expect(await watch.ended).toMatchObject({ signal: 'SIGINT', stderr: '' });
  });

  it('prints tables for people', async () => {
    await register({ Name: 'shown', ID: 's1', Port: 8080 });
    const watch = start(['watch', 'shown', '--addr', url()]);
    expect((await watch.seen(/^shown at revision \d+: (.*)$/m))[1]).toBe('1 instance, 1 passing');
    await watch.seen(/^s1 +127\.0\.0\.1:8080 +passing/m);
  });

  it('ends without an error when the reader of its output has ended', async () => {
    const watch = start(['watch', 'unread', '--json', '--addr', url()]);
    await watch.seen(/\n/);
    watch.child.stdout?.destroy();
    await register({ Name: 'unread' });
    expect(await watch.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
