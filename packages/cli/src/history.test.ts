/** The past on the command line, against a registry on disk that is killed in between. */

import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { folder, here, registerInstance, serve } from './processes.case.ts';
import { when } from './past.ts';

test.each([
  ['10m', { agoMs: 600_000 }],
  ['2h', { agoMs: 7_200_000 }],
  ['1h30m', { agoMs: 5_400_000 }],
  ['3d', { agoMs: 259_200_000 }],
  ['now', { agoMs: 0 }],
  ['r123', { at: 'r123' }],
  ['1767225600000', { at: '1767225600000' }],
  ['2026-01-31T12:00:00Z', { at: '1769860800000' }],
  ['2026-01-31', { at: '1769817600000' }],
])('%s is a time', (text, expected) => {
  expect(when(text)).toEqual(expected);
});

test.each(['', 'yesterday', '-5m', 'r', '2026-13-45'])('%j is no time', (text) => {
  expect(() => when(text)).toThrow('it is no time; write 10m or 2h (ago)');
});

it('shows what was there before everything changed, and what differs, also after the registry was killed', async () => {
  const dataDir = join(folder(), 'data');
  const first = await serve('--data-dir', dataDir);
  const ask = (url: string, ...args: string[]) => here([...args, '--addr', url]);
  await registerInstance(first.url, { ID: 'web-1', Name: 'web', Port: 80, Tags: ['old'] });
  await ask(first.url, 'config', 'publish', 'shop/app', '--content', 'first');
  await ask(first.url, 'kv', 'put', 'limits', 'one');
  const { stdout } = await ask(first.url, 'kv', 'get', 'limits', '--json');
  const at = `r${(JSON.parse(stdout) as { readonly revision: number }).revision}`;
  await ask(first.url, 'kv', 'put', 'limits', 'two');
  await fetch(`${first.url}/v1/agent/service/deregister/web-1`, { method: 'PUT' });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const { url } = await serve('--data-dir', dataDir);
  await registerInstance(url, { ID: 'db-1', Name: 'db', Port: 5432 });

  const own = { service: 'consul', tags: [] };
  expect(JSON.parse((await ask(url, 'services', '--at', at, '--json')).stdout)).toEqual([own, { service: 'web', tags: ['old'] }]);
  expect(JSON.parse((await ask(url, 'services', '--json')).stdout)).toEqual([own, { service: 'db', tags: [] }]);
  expect(JSON.parse((await ask(url, 'services', '--at', 'now', '--json')).stdout)).toEqual([own, { service: 'db', tags: [] }]);
  expect(JSON.parse((await ask(url, 'instances', 'web', '--at', at, '--json')).stdout)).toMatchObject({ service: 'web', instances: [{ id: 'web-1', status: 'passing' }] });
  expect(await ask(url, 'instances', 'db', '--at', at)).toMatchObject({ code: 3, stderr: expect.stringContaining('no service "db" was registered then') as string });
  expect((await ask(url, 'kv', 'get', 'limits', '--at', at)).stdout).toBe('one');
  expect(await ask(url, 'kv', 'get', 'none', '--at', at)).toMatchObject({ code: 3, stderr: 'rollcall: there was no key "none" then\n' });

  expect((await ask(url, 'config', 'get', 'shop/app', '--at', at)).stdout).toBe('first');
  expect(await ask(url, 'config', 'get', 'shop/none', '--at', at)).toMatchObject({ code: 3, stderr: 'rollcall: shop/none had no release for all clients then\n' });

  const { stdout: table } = await ask(url, 'diff', '--from', at);
  expect(table.split('\n').slice(1)).toEqual([
    '+ service db',
    '- service web',
    expect.stringMatching(/^\+ instance db db-1 on \S+$/) as string,
    expect.stringMatching(/^- instance web web-1 on \S+$/) as string,
    '~ key limits',
    '    value: one → two',
    '',
  ]);
  expect(JSON.parse((await ask(url, 'diff', '--from', at, '--json')).stdout)).toMatchObject({ changes: [{ kind: 'service', change: 'added', name: 'db' }, {}, {}, {}, { kind: 'key', fields: [{ field: 'value', before: 'one', after: 'two' }] }] });
  expect(await ask(url, 'diff', '--from', 'now')).toMatchObject({ code: 0, stdout: '', stderr: 'rollcall: nothing differs\n' });
  expect(await ask(url, 'services', '--at', '999d')).toMatchObject({ code: 1, stderr: expect.stringContaining('the history does not reach back to') as string });
  expect(await ask(url, 'services', '--at', 'soon')).toMatchObject({ code: 2, stderr: expect.stringContaining('it is no time') as string });
});
