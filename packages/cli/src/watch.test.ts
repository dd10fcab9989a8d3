/** `watch --type` against a real registry: its output, the input of handlers, and how both end. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { folder, here, serve, sharedRegistry, start } from './processes.case.ts';
import { viewOf, type ViewFlags } from './watched-view.ts';

const { url } = sharedRegistry('--node-name', 'home');
const put = (path: string, body = '') => fetch(url() + path, { method: 'PUT', body });
const watching = (...args: string[]) => start(['watch', '--addr', url(), ...args]);
const once = async (...args: string[]): Promise<unknown> =>
  JSON.parse((await here(['watch', '--addr', url(), '--once', '--type', ...args])).stdout);

describe('watch --type', () => {
  it('key prints the entry in the form of the API, null when there is none, and each change', async () => {
    const watch = watching('--type', 'key', '--key', 'w/key');
    await watch.seen(/^null\n$/);
    await put('/v1/kv/w/key?flags=18446744073709551615', 'one');
    const line = (await watch.seen(/^\{.*\}\n/m))[0];
    expect(line).toContain('"Flags":18446744073709551615');
    expect(JSON.parse(line)).toMatchObject({ Key: 'w/key', Value: Buffer.from('one').toString('base64') });
    await fetch(`${url()}/v1/kv/w/key`, { method: 'DELETE' });
    await watch.seen(/\}\nnull\n$/);
  });

  it('prints every kind of view', async () => {
    await put('/v1/agent/service/register', JSON.stringify({ Name: 'seen', Tags: ['a'], Check: { CheckID: 'c', TTL: '60s' } }));
    await put('/v1/kv/w/p/1', 'x');
    await put('/v1/event/fire/kind', 'x');
    expect(await once('keyprefix', '--prefix', 'w/p/')).toMatchObject([{ Key: 'w/p/1' }]);
    expect(await once('keyprefix', '--prefix', 'w/none/')).toBeNull();
    expect(await once('services')).toMatchObject({ seen: ['a'] });
    expect(await once('nodes')).toMatchObject([{ Node: 'home' }]);
    expect(await once('nodes', '--filter', 'Node == other')).toEqual([]);
    expect(await once('service', '--service', 'seen', '--tag', 'a')).toMatchObject([{ Service: { Service: 'seen' } }]);
    expect(await once('service', '--service', 'seen', '--passingonly')).toEqual([]);
    expect(await once('checks')).toHaveLength(2);
    expect(await once('checks', '--state', 'critical')).toMatchObject([{ CheckID: 'c' }]);
    expect(await once('checks', '--service', 'seen')).toMatchObject([{ CheckID: 'c' }]);
    expect(await once('event', '--name', 'kind')).toMatchObject([{ Name: 'kind', Payload: 'eA==' }]);
  });

  it('event prints each event once', async () => {
    await put('/v1/event/fire/each', '1');
    const watch = watching('--type', 'event', '--name', 'each');
    await watch.seen(/"MQ=="/);
    await put('/v1/event/fire/each', '2');
    const second = (await watch.seen(/^.*\n(.*)\n/))[1] ?? '';
    expect(JSON.parse(second)).toMatchObject([{ Payload: 'Mg==' }]);
  });

  it('continues when the registry returns with revisions that start from the beginning', async () => {
    const at = `127.0.0.1:${await freePort()}`;
    const first = await serve('--http', at);
    for (const value of ['1', '2', '3', '4']) await fetch(`${first.url}/v1/kv/again`, { method: 'PUT', body: value });
    const watch = start(['watch', '--addr', at, '--type', 'key', '--key', 'again']);
    await watch.seen(/"NA=="/);
    first.child.kill('SIGKILL');
    await watch.seen(/asking again until there is an answer\n/, 'stderr');
    const second = await serve('--http', at);
    await watch.seen(/the registry answers again\n/, 'stderr');
    await watch.seen(/\}\nnull\n$/);
    await fetch(`${second.url}/v1/kv/again`, { method: 'PUT', body: '5' });
    await watch.seen(/"NQ=="/);
  });
});

describe('an outage', () => {
  it.each([
    ['watch', 'web'],
    ['kv', 'watch', '--prefix', 'a/'],
  ])('is told once on stderr, and its end: %s %s', async (...command) => {
    const at = `127.0.0.1:${await freePort()}`;
    const first = await serve('--http', at);
    const watch = start([...command, '--addr', at, '--json']);
    await watch.seen(/^\{.*\}\n/);
    first.child.kill('SIGKILL');
    await watch.seen(/cannot be reached; trying again until it answers\n$/, 'stderr');
    await serve('--http', at);
    await watch.seen(/answers again\n/, 'stderr');
    watch.child.kill('SIGTERM');
    expect((await watch.ended).stderr).toBe('rollcall: the registry cannot be reached; trying again until it answers\nrollcall: the registry answers again\n');
  });
});

describe('a handler', () => {
  it('is given each state on its standard input, and the index in the environment', async () => {
    const file = join(folder(), 'out');
    const watch = watching('--type', 'key', '--key', 'w/handled', '--', `cat >> ${file}; echo "/$CONSUL_INDEX" >> ${file}; echo done`);
    await watch.seen(/done/);
    await put('/v1/kv/w/handled', 'x');
    await watch.seen(/done\ndone/);
    expect(readFileSync(file, 'utf8')).toMatch(/^null\/\d+\n\{.*"Key":"w\/handled".*\}\/\d+\n$/);
  });

  it('of several words runs without a shell', async () => {
    const watch = watching('--once', 'no-such', '--', process.execPath, '-e', 'console.log(process.argv[1]); process.stdin.pipe(process.stdout)', '$HOME "x"');
    expect(await watch.ended).toMatchObject({ code: 0, stdout: '$HOME "x"\n[]', stderr: '' });
  });

  it('that fails ends the watch with exit code 1', async () => {
    expect(await watching('no-such', '--', 'exit 7').ended).toMatchObject({ code: 1, stderr: 'rollcall: the handler has ended with exit code 7\n' });
    expect((await watching('no-such', '--no-shell', '--', 'no-such-program').ended).code).toBe(127);
  });

  it('that still runs is ended together with the watch', async () => {
    const watch = watching('no-such', '--', process.execPath, '-e', 'process.on("SIGTERM", () => { console.log("told"); process.exit(0); }); setInterval(() => {}, 1000); console.log("up")');
    await watch.seen(/up/);
    watch.child.kill('SIGTERM');
    expect(await watch.ended).toMatchObject({ code: 143, stdout: 'up\ntold\n' });
  });
});

describe('options of watch', () => {
  it.each([
    [['--type', 'key'], '--type key needs --key'],
    [['--type', 'service'], '--type service needs --service'],
    [['--type', 'key', '--key', 'a', '--tag', 't'], '--tag does not go with --type key'],
    [['--type', 'services', '--passingonly'], '--passingonly does not go with --type services'],
    [['--type', 'event', '--filter', 'a == b'], '--filter does not go with --type event'],
    [['--type', 'connect_roots'], 'Allowed choices are'],
    [[], 'name a service'],
    [['web', '--key', 'a'], '--key goes with --type'],
    [['web', '--service', 'b'], '--service goes with --type'],
  ])('%j are refused', async (args, message) => {
    const refused = await here(['watch', ...args]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(message);
  });

  it('become paths of the API', () => {
    const path = (flags: ViewFlags, filter = {}) => viewOf(flags, new URLSearchParams(filter)).path;
    expect(path({ type: 'key', key: 'a b/ü?' })).toBe('/v1/kv/a%20b/%C3%BC%3F');
    expect(path({ type: 'keyprefix', prefix: '' })).toBe('/v1/kv/?recurse');
    expect(path({ type: 'service', service: 'a/b', tag: ['x', 'y'], passingonly: true })).toBe('/v1/health/service/a%2Fb?tag=x&tag=y&passing=1');
    expect(path({ type: 'nodes' }, { filter: 'a == b' })).toBe('/v1/catalog/nodes?filter=a+%3D%3D+b');
  });
});
