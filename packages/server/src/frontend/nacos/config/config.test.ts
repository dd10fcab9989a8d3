/** Configurations over HTTP: publishing, conditions, gray releases, search, history, and long polling. */

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Nacos, type Answer, type Fields } from '../nacos.case.ts';
import { waitMs } from './listeners.ts';

let nacos: Nacos;

beforeAll(async () => {
  nacos = await Nacos.start();
});
afterAll(() => nacos[Symbol.asyncDispose]());

const md5 = (content: string) => createHash('md5').update(content).digest('hex');
const at = (dataId: string, more: Fields = {}) => ({ dataId, group: 'G', ...more });

async function publish(dataId: string, content: string, more: Fields = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return nacos.post('/v1/cs/configs', at(dataId, { content, ...more }), { headers });
}

async function content(dataId: string, more: Fields = {}, headers: Readonly<Record<string, string>> = {}): Promise<string | number> {
  const { status, text } = await nacos.get('/v1/cs/configs', at(dataId, more), { headers });
  return status === 200 ? text : status;
}

describe('a configuration', () => {
  test('comes back byte for byte, whatever charset the form declares', async () => {
    const text = 'größe: 中文 \u{1f600}\n+ & = %\n';
    expect((await publish('bytes.txt', text)).text).toBe('true');
    expect(await content('bytes.txt')).toBe(text);
    expect((await nacos.get('/v1/cs/configs', at('bytes.txt'))).headers).toMatchObject({ 'content-md5': md5(text), 'config-type': 'text' });
  });

  test.each([
    ['json', 'application/json;charset=UTF-8', 'json'],
    ['yaml', 'text/plain;charset=UTF-8', 'yaml'],
    ['html', 'text/plain;charset=UTF-8', 'html'],
    ['nonsense', 'text/plain;charset=UTF-8', 'text'],
  ])('of the type %s is sent as %s', async (type, media, shown) => {
    await publish(`type.${type}`, '{}', { type });
    expect((await nacos.get('/v1/cs/configs', at(`type.${type}`))).headers).toMatchObject({ 'content-type': media, 'config-type': shown, 'x-content-type-options': 'nosniff' });
  });

  test('of another tenant is another one', async () => {
    await publish('apart', 'a');
    await publish('apart', 'b', { tenant: 'team-c' });
    expect([await content('apart'), await content('apart', { tenant: 'team-c' }), await content('apart', { tenant: 'public' })]).toEqual(['a', 'b', 'a']);
    expect((await nacos.get('/v3/client/cs/config', { dataId: 'apart', groupName: 'G', namespaceId: 'team-c' })).json()).toMatchObject({ data: { content: 'b' } });
  });

  test('is published on a condition', async () => {
    await publish('cas', 'one');
    const refused = await publish('cas', 'two', {}, { casMd5: md5('other') });
    expect([refused.status, refused.text, await content('cas')]).toEqual([409, 'Cas publish fail, server md5 may have changed.', 'one']);
    expect((await nacos.post('/v3/admin/cs/config', { dataId: 'cas', groupName: 'G', content: 'x' }, { headers: { casMd5: 'bad' } })).json()).toMatchObject({ code: 20_005 });
    expect((await publish('cas', 'two', {}, { casMd5: md5('one') })).text).toBe('true');
    expect(await content('cas')).toBe('two');
  });

  test('keeps the key with which its content is encrypted', async () => {
    await publish('cipher-aes-x', 'secret', { encryptedDataKey: 'KEY' });
    expect((await nacos.get('/v1/cs/configs', at('cipher-aes-x'))).headers['encrypted-data-key']).toBe('KEY');
  });

  test('of more than 1 MiB is a 400 with the limit, and one of 1 MiB is stored', async () => {
    const most = '€'.repeat(349_525);
    expect((await publish('most', most)).text).toBe('true');
    expect((await content('most')) === most).toBe(true);
    const { status, text } = await publish('more', `${most}€`);
    expect([status, text]).toEqual([400, expect.stringContaining('the limit is 1048576')]);
    expect((await publish('far-more', 'x'.repeat(4_000_000))).status).toBe(413);
  });

  test.each<[Fields, string]>([
    [{ dataId: 'a b', group: 'G', content: 'x' }, "Param 'dataId' is illegal"],
    [{ dataId: 'a', group: 'G/H', content: 'x' }, "Param 'group' is illegal"],
    [{ dataId: 'a', group: 'G' }, "Param 'content' is required."],
    [{ group: 'G', content: 'x' }, "Param 'dataId' is required."],
    [{ dataId: 'a', group: 'G', content: 'x', tenant: 'default' }, "use 'public'"],
  ])('with bad parameters (%j) is a 400', async (fields, reason) => {
    const { status, text } = await nacos.post('/v1/cs/configs', fields);
    expect([status, text]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe('a gray release', () => {
  test('goes to the addresses that it names, and is taken back', async () => {
    await publish('gray', 'for all');
    await publish('gray', 'beta', {}, { betaIps: '10.0.0.1, 10.0.0.2' });
    const from = (address: string) => content('gray', {}, { 'x-forwarded-for': `${address}, 127.0.0.1` });
    expect([await from('10.0.0.1'), await from('10.0.0.9'), await content('gray')]).toEqual(['beta', 'for all', 'for all']);
    expect((await nacos.get('/v1/cs/configs', at('gray'), { headers: { 'x-forwarded-for': '10.0.0.2' } })).headers['isbeta']).toBe('true');
    expect((await nacos.get('/v1/cs/configs', at('gray', { beta: true }))).json()).toMatchObject({ code: 200, data: { content: 'beta', betaIps: '10.0.0.1,10.0.0.2' } });
    expect((await nacos.delete('/v1/cs/configs', at('gray', { beta: true }))).json()).toMatchObject({ code: 200, data: true });
    expect(await from('10.0.0.1')).toBe('for all');
    expect((await nacos.get('/v1/cs/configs', at('gray', { beta: true }))).json()).toMatchObject({ data: null });
  });

  test('goes to clients with its tag', async () => {
    await publish('tagged', 'for all');
    await publish('tagged', 'canary', { tag: 'canary' });
    expect([await content('tagged'), await content('tagged', { tag: 'canary' }), await content('tagged', {}, { 'vipserver-tag': 'canary' })]).toEqual(['for all', 'canary', 'canary']);
    await nacos.delete('/v1/cs/configs', at('tagged', { tag: 'canary' }));
    expect(await content('tagged', { tag: 'canary' })).toBe('for all');
  });
});

describe('search', () => {
  test.each<[Fields, string[]]>([
    [{ search: 'accurate', dataId: 'find-1', group: '' }, ['A/find-1', 'B/find-1']],
    [{ search: 'accurate', dataId: '', group: 'A' }, ['A/find-1', 'A/find-2']],
    [{ search: 'blur', dataId: 'find', group: '' }, ['A/find-1', 'A/find-2', 'B/find-1']],
    [{ search: 'blur', dataId: '*-2', group: '*' }, ['A/find-2']],
    [{ search: 'blur', dataId: 'f*d*1', group: 'B' }, ['B/find-1']],
    [{ search: 'blur', dataId: '', group: '', config_tags: 'blue' }, ['A/find-2']],
    [{ search: 'blur', dataId: '', group: '', appName: 'shop' }, ['B/find-1']],
    [{ search: 'blur', dataId: 'none', group: '' }, []],
  ])('%j', async (query, expected) => {
    const tenant = 'team-f';
    await nacos.post('/v1/cs/configs', { dataId: 'find-1', group: 'A', content: '1', tenant });
    await nacos.post('/v1/cs/configs', { dataId: 'find-2', group: 'A', content: '2', tenant, config_tags: 'blue, green' });
    await nacos.post('/v1/cs/configs', { dataId: 'find-1', group: 'B', content: '3', tenant, appName: 'shop' });
    const answer = await nacos.get('/v1/cs/configs', { pageNo: 1, pageSize: 10, tenant, ...query });
    const { totalCount, pageItems } = answer.json<{ totalCount: number; pageItems: { dataId: string; group: string; content: string; tenant: string }[] }>();
    expect([totalCount, pageItems.map(({ dataId, group }) => `${group}/${dataId}`)]).toEqual([expected.length, expected]);
    for (const item of pageItems) expect([item.tenant, item.content.length]).toEqual([tenant, 1]);
  });

  test('is in pages', async () => {
    const page = async (pageNo: number) => (await nacos.get('/v3/admin/cs/config/list', { namespaceId: 'team-f', pageNo, pageSize: 2 })).json<{ data: object }>().data;
    expect(await page(2)).toMatchObject({ totalCount: 3, pageNumber: 2, pagesAvailable: 2, pageItems: [{ dataId: 'find-1', groupName: 'B' }] });
  });
});

describe('history', () => {
  test('has each step, with the content before it', async () => {
    await publish('past', 'one', { type: 'yaml', src_user: 'ann' });
    await publish('past', 'two');
    await nacos.delete('/v1/cs/configs', at('past'));
    const { pageItems } = (await nacos.get('/v1/cs/history', at('past', { search: 'accurate', pageNo: 1, pageSize: 10 }))).json<{ pageItems: { id: string; opType: string; srcUser: string | null }[] }>();
    expect(pageItems.map(({ id, opType }) => [id, opType.trim()])).toEqual([['3', 'D'], ['2', 'U'], ['1', 'I']]);
    const step = async (nid: string) => (await nacos.get('/v1/cs/history', at('past', { nid }))).json();
    expect(await step('1')).toMatchObject({ content: 'one', md5: md5('one'), srcUser: 'ann', srcIp: '127.0.0.1' });
    expect(await step('2')).toMatchObject({ content: 'one' });
    expect(await step('3')).toMatchObject({ content: 'two' });
    expect((await nacos.get('/v2/cs/history/previous', at('past', { id: '3' }))).json()).toMatchObject({ data: { id: '2' } });
    expect((await nacos.get('/v3/admin/cs/history', { dataId: 'past', groupName: 'G', nid: '9' })).json()).toMatchObject({ code: 20_004 });
  });
});

const line = (dataId: string, content: string | undefined, tenant?: string) => `${dataId}\u0002G\u0002${content === undefined ? '' : md5(content)}${tenant === undefined ? '' : `\u0002${tenant}`}\u0001`;

function listen(lines: string, { headers = {}, ...more }: { headers?: Record<string, string>; signal?: AbortSignal } = {}): Promise<Answer> {
  return nacos.post('/v1/cs/configs/listener', { 'Listening-Configs': lines }, { headers: { 'long-pulling-timeout': '30000', ...headers }, ...more });
}

async function waitingFor(dataId: string): Promise<number> {
  const { lisentersGroupkeyStatus } = (await nacos.get('/v1/cs/configs/listener', at(dataId))).json<{ lisentersGroupkeyStatus: object }>();
  return Object.keys(lisentersGroupkeyStatus).length;
}

describe('long polling', () => {
  const until = (check: () => Promise<void>) => vi.waitFor(check, { interval: 5, timeout: 20_000 });

  test('answers at once with what has changed, the tenant as the client sent it', async () => {
    await publish('now', 'one');
    await publish('now', 'one', { tenant: 'team-l' });
    expect((await listen(line('now', 'old') + line('now', 'one') + line('never', 'gone'))).text).toBe('now%02G%01never%02G%01\n');
    expect((await listen(line('now', 'old', 'team-l') + line('now', 'old', ''))).text).toBe('now%02G%02team-l%01now%02G%02%01\n');
    expect((await listen(line('now', 'one') + line('never', undefined), { headers: { 'long-pulling-timeout-no-hangup': 'true' } })).text).toBe('');
  });

  test('waits for its own configurations alone', async () => {
    await publish('own', 'one');
    await publish('other', 'one');
    const waiting = listen(line('own', 'one') + line('absent', undefined));
    await until(async () => expect(await waitingFor('own')).toBe(1));
    const before = nacos.server.registry.views.wakeUps;
    await publish('other', 'two');
    await publish('own', 'one', { desc: 'described' });
    expect(nacos.server.registry.views.wakeUps - before).toBe(1);
    expect(await waitingFor('own')).toBe(1);
    await publish('own', 'two');
    expect((await waiting).text).toBe('own%02G%01\n');
    expect(await waitingFor('own')).toBe(0);
  });

  test('tells of the first release, of a removal, and of a gray release only its clients', async () => {
    const first = listen(line('born', undefined));
    await until(async () => expect(await waitingFor('born')).toBe(1));
    await publish('born', 'one');
    expect((await first).text).toBe('born%02G%01\n');
    const [beta, rest] = [listen(line('born', 'one'), { headers: { 'x-forwarded-for': '10.1.1.1' } }), listen(line('born', 'one'), { headers: { 'x-forwarded-for': '10.1.1.2' } })];
    await until(async () => expect(await waitingFor('born')).toBe(2));
    await publish('born', 'gray', {}, { betaIps: '10.1.1.1' });
    expect((await beta).text).toBe('born%02G%01\n');
    expect(await waitingFor('born')).toBe(1);
    await nacos.delete('/v1/cs/configs', at('born'));
    expect((await rest).text).toBe('born%02G%01\n');
  });

  test('ends when its client goes, and when its time is over', async () => {
    const gone = new AbortController();
    const waiting = listen(line('ends', undefined), { signal: gone.signal }).catch(() => 'gone');
    await until(async () => expect(await waitingFor('ends')).toBe(1));
    gone.abort();
    expect(await waiting).toBe('gone');
    await until(async () => expect(await waitingFor('ends')).toBe(0));
    const { views } = nacos.server.registry;
    expect(views.watching).toBe(0);
  });

  test('is answered when the server closes', async () => {
    await using own = await Nacos.start();
    const waiting = own.post('/v1/cs/configs/listener', { 'Listening-Configs': line('x', undefined) }, { headers: { 'long-pulling-timeout': '30000' } });
    await vi.waitFor(() => expect(own.server.registry.views.watching).toBe(1), { interval: 5, timeout: 20_000 });
    await own.server.close();
    expect([(await waiting).status, (await waiting).text]).toEqual([200, '']);
  });

  test.each([
    ['30000', 29_500],
    ['60000', 59_500],
    ['1000', 10_000],
    [undefined, 10_000],
    ['soon', 10_000],
    ['99999999', 600_000],
  ])('asked to wait %s ms holds the request for %i ms', (header, held) => {
    expect(waitMs(header)).toBe(held);
  });

  test.each([
    ['', "Param 'Listening-Configs' is required."],
    ['nonsense', 'an entry is dataId'],
    [line('a', 'x', 'default'), "use 'public'"],
    [Array.from({ length: 10_001 }, (_, index) => line(`d${index}`, 'x')).join(''), 'more than 10000 entries'],
  ])('with a bad list is a 400: %#', async (lines, reason) => {
    const { status, text } = await listen(lines);
    expect([status, text]).toEqual([400, expect.stringContaining(reason)]);
  });

  test('of 1,000 clients costs little: a publication wakes those that wait for it', async () => {
    await using own = await Nacos.start({ limits: { connectionsPerAddressMax: 5_000 } });
    const form = (index: number) => ({ 'Listening-Configs': line(`many-${index % 10}`, undefined) + line('common', undefined) });
    const answers: string[] = [];
    const waiting = Array.from({ length: 1_000 }, (_, index) => own.post('/v1/cs/configs/listener', form(index), { headers: { 'long-pulling-timeout': '30000', connection: 'close' } }).then(({ text }) => answers.push(text)));
    const { registry } = own.server;
    // One watch for each configuration, not for each client.
    await vi.waitFor(async () => expect(Object.keys((await own.get('/v1/cs/configs/listener', at('common'))).json<{ lisentersGroupkeyStatus: object }>().lisentersGroupkeyStatus)).toHaveLength(1), { interval: 20, timeout: 20_000 });
    await vi.waitFor(() => expect(registry.views.watching).toBe(11), { interval: 20, timeout: 20_000 });
    await vi.waitFor(async () => expect(await own.get('/v1/cs/configs/listener', at('many-9')).then((answer) => answer.status)).toBe(200), { timeout: 20_000 });
    await own.post('/v1/cs/configs', at('many-3', { content: 'x' }));
    await vi.waitFor(() => expect(answers.filter((text) => text === 'many-3%02G%01\n')).toHaveLength(100), { interval: 20, timeout: 20_000 });
    expect(answers).toHaveLength(100);
    await own.post('/v1/cs/configs', at('common', { content: 'x' }));
    await Promise.all(waiting);
    expect([answers.filter((text) => text === 'common%02G%01\n').length, registry.views.watching]).toEqual([900, 0]);
  });
});
