/** Routes on the command line, against a registry. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { folder, here, registerInstance, serve, sharedRegistry, start } from './processes.case.ts';

const { url } = sharedRegistry();
const route = (...args: string[]) => here(['route', ...args, '--addr', url()]);

let used = 0;
const fresh = () => `orders-${++used}`;
const routeOf = async (service: string): Promise<unknown> => JSON.parse((await route('get', service)).stdout);

test.each<[string, readonly string[], object]>([
  ['the usual words', ['--canary', 'version=2:10%', '--timeout', '2s', '--tries', '2', '--retry-budget', '15%', '--description', 'release'], { description: 'release', canary: { select: { version: '2' }, share: 0.1 }, timeoutMs: 2_000, triesMax: 2, retryBudget: { share: 0.15 } }],
  ['selectors', ['--select', 'version=2.1,tag=a,tag=b,without-tag=c,env=prod', '--weight', 'version=2.1.0:0.5', '--weight', 'tag=x:0'], { select: { tags: ['a', 'b'], withoutTags: ['c'], meta: { env: 'prod' }, version: '2.1' }, weights: [{ select: { version: '2.1.0' }, weight: 0.5 }, { select: { tags: ['x'] }, weight: 0 }] }],
  ['how instances are chosen', ['--balancer', 'maglev', '--key-header', 'x-user', '--slow-start', '30s', '--subset', '20', '--instance-requests', '50'], { balancer: 'maglev', keyHeader: 'x-user', slowStart: { windowMs: 30_000 }, subset: { size: 20 }, endpointRequestsMax: 50 }],
  ['what is left out', ['--outliers', '3', '--max-ejected', '30%', '--try-timeout', '500ms', '--hedging', '95%'], { ejection: { maxShare: 0.3, outliers: { consecutiveFailures: 3 } }, tryTimeoutMs: 500, hedging: { percentile: 0.95 } }],
  ['what is switched off', ['--outliers', 'off', '--hedging', 'off'], { ejection: { outliers: false }, hedging: false }],
])('options say %s', async (_what, options, expected) => {
  const service = fresh();
  expect(await route('set', service, ...options)).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^the route of ${service} has the revision \\d+\n$`)) as string, stderr: '' });
  expect(await routeOf(service)).toEqual(expected);
});

it('changes what the options name, and leaves the rest', async () => {
  const service = fresh();
  await route('set', service, '--canary', 'version=2:0%', '--canary-header', 'x-canary=yes', '--outliers', '3');
  await route('set', service, '--canary', 'version=2:50%', '--timeout', '1s', '--max-ejected', '0.2');
  expect(await routeOf(service)).toEqual({ canary: { select: { version: '2' }, share: 0.5, header: 'x-canary', headerValue: 'yes' }, timeoutMs: 1_000, ejection: { outliers: { consecutiveFailures: 3 }, maxShare: 0.2 } });
  await route('set', service, '--unset', 'canary', '--unset', 'ejection', '--select', 'version=2');
  expect(await routeOf(service)).toEqual({ timeoutMs: 1_000, select: { version: '2' } });
});

it('sets the whole route from JSON, YAML or standard input, and prints it in the same form', async () => {
  const service = fresh();
  const [yaml, json] = [join(folder(), 'route.yaml'), join(folder(), 'route.json')];
  writeFileSync(yaml, 'timeoutMs: 2000\ncanary:\n  share: 0.1\n  select: { version: "2" }\n');
  await route('set', service, '--tries', '7');
  expect(await route('set', service, '--file', yaml)).toMatchObject({ code: 0, stderr: '' });
  const printed = (await route('get', service)).stdout;
  expect(JSON.parse(printed)).toEqual({ timeoutMs: 2_000, canary: { share: 0.1, select: { version: '2' } } });
  writeFileSync(json, printed);
  expect((await route('set', service, '--file', json)).code).toBe(0);
  expect((await here(['route', 'set', service, '--file', '-', '--addr', url()], { input: '{"triesMax": 1}' })).code).toBe(0);
  expect(await routeOf(service)).toEqual({ triesMax: 1 });
  writeFileSync(yaml, 'timeoutMs: 2000\n  x: [');
  expect(await route('set', service, '--file', yaml)).toMatchObject({ code: 1, stderr: expect.stringContaining('is neither JSON nor YAML') as string });
  writeFileSync(yaml, 'timeout: 2000\n');
  expect(await route('set', service, '--file', yaml)).toMatchObject({ code: 1, stderr: `rollcall: ${yaml}: the route has the unknown field "timeout"; did you mean timeoutMs?\n` });
});

it('sets and deletes only at a revision, lists all routes, and says what is missing', async () => {
  const service = fresh();
  expect(await route('get', service)).toMatchObject({ code: 3, stderr: `rollcall: ${service} has no route\n` });
  expect(await route('delete', service)).toMatchObject({ code: 3, stderr: `rollcall: ${service} has no route\n` });
  const { revision } = JSON.parse((await route('set', service, '--tries', '2', '--cas', '0', '--json')).stdout) as { readonly revision: number };
  expect(await route('set', service, '--tries', '3', '--cas', '0')).toMatchObject({ code: 1, stderr: `rollcall: the route of ${service} has another revision by now: ${revision}\n` });
  expect(await route('delete', service, '--cas', String(revision + 1))).toMatchObject({ code: 1, stderr: expect.stringContaining('another revision') as string });
  expect((await route('list')).stdout).toMatch(new RegExp(`^SERVICE +REVISION +WORDS[^]*${service} +${revision} +triesMax\n`));
  expect(JSON.parse((await route('list', '--json')).stdout)).toContainEqual({ service, revision, words: ['triesMax'] });
  expect(JSON.parse((await route('get', service, '--json')).stdout)).toEqual({ namespace: 'default', service, revision, route: { triesMax: 2 } });
  expect(await route('delete', service)).toMatchObject({ code: 0, stdout: `the route of ${service} is deleted\n` });
});

test.each<[readonly string[], string]>([
  [[], 'name what to change, such as --timeout 2s, or a --file'],
  [['--file', 'x', '--tries', '1'], '--file sets the whole route, and goes with no option for a word'],
  [['--canary', 'version=2'], 'write SELECTOR:NUMBER, as in version=2:10%.'],
  [['--canary', 'version=2:200'], 'a share is 0% to 100%, or 0 to 1.'],
  [['--select', 'fast'], 'write version=2.1, tag=NAME, without-tag=NAME or META=VALUE, several with commas.'],
  [['--unset', 'timeout'], 'there are description, select, canary,'],
  [['--balancer', 'best'], 'Allowed choices are peakEwma'],
])('set %j is refused before anything is sent', async (options, message) => {
  expect(await route('set', 'refused', ...options)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
});

it('the registry names a value that it refuses', async () => {
  expect(await route('set', fresh(), '--canary', 'version=2.:10%')).toMatchObject({ code: 1, stderr: 'rollcall: canary.select.version is "2.", it must be the leading parts of a version, such as 2 or 2.1\n' });
});

it('survives kill -9 of the registry, and a watch goes on with the next process', async () => {
  const data = folder();
  const first = await serve('--data-dir', data);
  const at = ['--addr', first.url];
  expect((await here(['route', 'set', 'orders', '--canary', 'version=2:10%', ...at])).code).toBe(0);
  const watch = start(['route', 'watch', 'orders', '--json', ...at]);
  await watch.seen(/"share":0\.1/);
  first.child.kill('SIGKILL');
  await first.ended;
  await serve('--data-dir', data, '--http', new URL(first.url).host);
  expect((await here(['route', 'get', 'orders', ...at])).stdout).toContain('"share": 0.1');
  expect((await here(['route', 'set', 'orders', '--canary', 'version=2:50%', ...at])).code).toBe(0);
  await watch.seen(/"share":0\.5/);
  watch.child.kill('SIGTERM');
  await watch.ended;
});

it('explain says which options the route decides', async () => {
  const service = fresh();
  await registerInstance(url(), { Name: service, ID: service, Port: 80, Meta: { version: '2' } });
  await route('set', service, '--select', 'version=3', '--timeout', '1s');
  const { stdout } = await here(['explain', service, '--addr', url()]);
  expect(stdout).toMatch(/^the route at revision \d+ decides select, timeoutMs$/m);
  expect(stdout).toContain('not selected');
});

it('prints a route now and after every change', async () => {
  const service = fresh();
  const watch = start(['route', 'watch', service, '--json', '--addr', url()]);
  await watch.seen(new RegExp(`"service":"${service}","revision":\\d+\\}`));
  await route('set', service, '--tries', '4');
  await watch.seen(/"route":\{"triesMax":4\}/);
  await route('delete', service);
  await watch.seen(/(?:"revision":\d+\}[^]*){2}/);
  watch.child.kill('SIGTERM');
  await watch.ended;
});
