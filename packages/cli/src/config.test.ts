/** Configurations on the command line, against a registry. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, here, sharedRegistry } from './processes.case.ts';

const { url } = sharedRegistry();
const ask = (args: readonly string[]) => here([...args, '--addr', url()]);

let used = 0;
const fresh = () => `shop/app-${++used}.yaml`;
const config = (...args: string[]) => ask(['config', ...args]);
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await config(...args, '--json')).stdout) as T;

describe('rollcall config', () => {
  it('saves a draft, shows what it changes, and publishes it', async () => {
    const name = fresh();
    const file = join(folder(), 'app.yaml');
    writeFileSync(file, 'a: 1\nb: 2\n');
    expect(await config('publish', name, '--content', 'a: 1\n', '--message', 'first', '--by', 'ann')).toMatchObject({ code: 0, stdout: `release 1 of ${name} is published\n`, stderr: '' });
    expect((await config('set', name, `@${file}`, '--by', 'bob')).stdout).toMatch(/^draft \d+ of shop\/app-\d+\.yaml is saved\n$/);
    expect((await config('get', name)).stdout).toBe('a: 1\n');
    expect((await config('get', name, '--draft')).stdout).toBe('a: 1\nb: 2\n');
    expect((await config('diff', name)).stdout).toBe('  a: 1\n+ b: 2\n');
    expect(await config('publish', name, '--message', 'more')).toMatchObject({ code: 0, stdout: `release 2 of ${name} is published\n` });
    expect((await config('get', name)).stdout).toBe('a: 1\nb: 2\n');
    expect((await config('get', name, '--release', '1')).stdout).toBe('a: 1\n');
    const history = (await config('history', name)).stdout.split('\n');
    expect(history[0]).toMatch(/^NUMBER +STEP +TIME +BY +WHY$/);
    expect(history[1]).toMatch(/^2 +publish +\S+ +\S* +more$/);
    expect(history[2]).toMatch(/^1 +publish +\S+ +ann +first$/);
    expect(await json('get', name)).toMatchObject({ format: 'yaml', release: 2 });
  });

  it('goes back to the release before, or to a named one', async () => {
    const name = fresh();
    for (const content of ['a: 1', 'a: 2', 'a: 3']) await config('publish', name, '--content', content);
    expect((await config('rollback', name)).stdout).toBe(`release 4 of ${name} has the content of release 2\n`);
    expect((await config('rollback', name, '1', '--message', 'safe')).stdout).toBe(`release 5 of ${name} has the content of release 1\n`);
    expect(await config('rollback', name, '1')).toMatchObject({ code: 1, stderr: `rollcall: clients of ${name} have the content of release 1 already\n` });
    expect((await config('diff', name, '--from', '1', '--to', '3')).stdout).toBe('- a: 1\n+ a: 3\n');
    expect(await config('diff', name, '--from', '1', '--to', '5')).toMatchObject({ code: 1, stderr: 'rollcall: nothing differs\n' });
  });

  it('takes a configuration from its clients, and deletes one that was never published', async () => {
    const [published, draft] = [fresh(), fresh()];
    await config('publish', published, '--content', 'a: 1');
    expect((await config('delete', published, '--message', 'unused')).stdout).toBe(`clients get nothing of ${published} any more; its history stays\n`);
    expect([(await config('get', published)).code, (await config('history', published)).stdout]).toEqual([3, expect.stringContaining('unused')]);
    expect(await config('delete', published)).toMatchObject({ code: 1, stderr: expect.stringContaining('was published, so its history stays') as string });
    await config('set', draft, 'a: 1', '--cluster', 'blue');
    expect(await config('delete', draft)).toMatchObject({ code: 3, stderr: `rollcall: there is no configuration ${draft} in this cluster\n` });
    expect((await config('delete', draft, '--cluster', 'blue')).stdout).toBe(`${draft} is deleted; it was never published\n`);
    expect((await config('get', draft, '--cluster', 'blue', '--draft')).code).toBe(3);
  });

  it('refuses broken content with its place, and asks again before it is emptied', async () => {
    const name = fresh();
    expect(await config('publish', name, '--content', 'a: 1\na: 2\n')).toMatchObject({ code: 1, stderr: expect.stringContaining('the content is refused') as string });
    await config('publish', name, '--content', `a: ${'x'.repeat(100)}`);
    expect(await config('publish', name, '--content', 'a: 1')).toMatchObject({ code: 1, stderr: expect.stringContaining('--confirm on a command line') as string });
    expect(await config('publish', name, '--content', 'a: 1', '--confirm')).toMatchObject({ code: 0 });
  });

  it('takes the format from the ending of the name, that of flags too, and refuses broken flags', async () => {
    const flags = '{"flags": {"a": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}';
    await config('publish', 'shop/web.flags.json', '--content', flags);
    expect(await json('get', 'shop/web.flags.json')).toMatchObject({ format: 'flags' });
    expect(await config('publish', 'shop/web.flags.json', '--confirm', '--content', '{"flags": {"a": 5}}')).toMatchObject({ code: 1, stderr: expect.stringContaining('the content is refused') as string });
    await config('set', 'shop/drafted.flags.json', flags);
    expect(await json('get', 'shop/drafted.flags.json', '--draft')).toMatchObject({ format: 'flags' });
  });

  it('lists the configurations of an environment, or of one app', async () => {
    await config('publish', 'warehouse/a.yaml', '--content', 'a: 1');
    await config('set', 'warehouse/draft.yaml', 'a: 1');
    const rows = (await config('list', 'warehouse')).stdout.split('\n');
    expect(rows[0]).toMatch(/^CONFIGURATION +CLUSTER +FORMAT +RELEASE +ROLLOUTS +DRAFT +BYTES +CHANGED$/);
    expect(rows[1]).toMatch(/^warehouse\/a\.yaml +default +yaml +1 + 4 +\d{4}-\S+$/);
    expect(rows[2]).toMatch(/^warehouse\/draft\.yaml +default + 0 +\d+ +0 +\d{4}-\S+$/);
    expect(rows[3]).toBe('');
    expect((await json<readonly { readonly app: string }[]>('list')).map(({ app }) => app)).toContain('warehouse');
    expect(await config('list', 'none')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('there are no configurations') as string });
  });

  it('changes the schema and the parents, and shows them', async () => {
    const name = fresh();
    await config('publish', name, '--content', 'a: 1');
    const schema = join(folder(), 'schema.json');
    writeFileSync(schema, '{"required": ["a"]}');
    expect(await config('settings', name, '--schema', `@${schema}`, '--parent', 'shop/base.yaml', '--visibility', 'public')).toMatchObject({ code: 0, stdout: `the settings of ${name} are changed\n`, stderr: expect.stringContaining('YAML is not merged with its parents') as string });
    expect(JSON.parse((await config('settings', name)).stdout)).toMatchObject({ schema: '{"required": ["a"]}', parents: [{ app: 'shop', name: 'base.yaml' }], visibility: 'public' });
    expect(await config('publish', name, '--content', 'b: 1')).toMatchObject({ code: 1, stderr: expect.stringContaining('the content is refused') as string });
    expect((await config('history', name)).stdout.split('\n')[1]).toMatch(/^2 +settings: parents none → \[\{"app":"shop","name":"base\.yaml"\}\], visibility none → public, schema none → \{"required": \["a"\]\} +\S+/);
    await config('settings', name, '--check', 'keys["a"] != "0"', '--check', '"a" in keys', '--bytes-max', '100', '--contact', 'team-a');
    expect(JSON.parse((await config('settings', name)).stdout)).toMatchObject({ checks: [{ expect: 'keys["a"] != "0"' }, { expect: '"a" in keys' }], bytesMax: 100, owners: ['team-a'] });
    expect(await config('publish', name, '--content', 'a: 0')).toMatchObject({ code: 1, stderr: expect.stringContaining('keys["a"] != "0"') as string });
    await config('settings', name, '--no-checks', '--bytes-max', '0', '--no-contacts');
    expect(await config('settings', name, '--check', 'x', '--no-checks')).toMatchObject({ code: 2, stderr: expect.stringContaining('give --check or --no-checks') as string });
    await config('settings', name, '--schema', '', '--no-parents', '--message', 'it was wrong', '--by', 'ann');
    expect((await config('history', name)).stdout.split('\n')[1]).toMatch(/^5 +settings: .*schema \{"required": \["a"\]\} → none.* ann +it was wrong$/);
    expect(JSON.parse((await config('settings', name)).stdout)).not.toMatchObject({ schema: expect.anything() as unknown });
    expect(await config('settings', name, '--parent', 'base')).toMatchObject({ code: 2, stderr: expect.stringContaining('"base" is not APP/NAME') as string });
  });

  it('says which configurations need an older key', async () => {
    expect(await config('old-keys')).toMatchObject({ code: 0, stdout: 'no configuration that you may read needs an older key\n' });
    expect(await json('old-keys')).toEqual([]);
  });

  it('shows where each value comes from, and says so when values cannot be merged', async () => {
    await config('publish', 'pools/base.properties', '--content', 'url=shared\npool=5\n');
    await config('publish', 'pools/app.properties', '--content', 'pool=9\n');
    expect((await config('settings', 'pools/app.properties', '--parent', 'pools/base.properties')).stderr).toBe('');
    expect((await config('get', 'pools/app.properties', '--origins')).stdout.split('\n').map((line) => line.trimEnd())).toEqual(['KEY   VALUE   FROM', 'pool  9       pools/app.properties in default', 'url   shared  pools/base.properties in default', '']);
    expect(JSON.parse((await config('get', 'pools/app.properties', '--origins', '--json')).stdout)).toEqual([{ key: 'pool', value: '9', from: 'pools/app.properties in default' }, { key: 'url', value: 'shared', from: 'pools/base.properties in default' }]);
    const yaml = fresh();
    await config('publish', yaml, '--content', 'a: 1');
    expect(await config('get', yaml, '--origins')).toMatchObject({ code: 0, stdout: 'a: 1', stderr: expect.stringContaining(`all of it comes from ${yaml} in default: only properties are merged key by key`) as string });
    expect(await config('get', yaml, '--origins', '--draft')).toMatchObject({ code: 2 });
    expect(await config('get', 'pools/none', '--origins')).toMatchObject({ code: 3 });
  });

  it('waits for approvals where the environment asks for them', async () => {
    const name = fresh();
    await ask(['namespaces', 'create', 'prod']);
    const put = (approvals: number) => fetch(`${url()}/rollcall/v1/config/environment?environment=prod`, { method: 'PUT', body: JSON.stringify({ order: 1, policy: { approvals, fourEyes: true } }) });
    expect((await put(1)).status).toBe(200);
    const prod = (...args: string[]) => config(...args, '--namespace', 'prod');
    await prod('set', name, 'a: 1', '--by', 'ann');
    const waiting = (await prod('publish', name, '--by', 'ann')).stdout;
    const [, number = ''] = /^proposal (\d+) of \S+ waits for 1 approval: rollcall config approve/.exec(waiting) ?? [];
    expect((await prod('approve', name, number, '--show')).stdout).toBe('reaches: all clients at once\napprovals: none; 1 more needed\ncan approve: all callers, by the name that they give (access control is off)\n+ a: 1\n');
    expect(await prod('approve', name, number, '--by', 'ann')).toMatchObject({ code: 1, stderr: expect.stringContaining('the approval of another person') as string });
    expect((await prod('approve', name, number, '--by', 'bob')).stdout).toContain('has its approvals');
    expect((await prod('publish', name, '--proposal', number)).stdout).toBe(`release 1 of ${name} is published\n`);
    await prod('set', name, 'a: 2', '--by', 'ann');
    const later = (await prod('publish', name, '--at', '2090-01-01T00:00:00Z', '--json')).stdout;
    expect(JSON.parse(later)).toMatchObject({ done: false, missing: 1 });
    const staged = ['publish', name, '--rule', 'label:ring=beta,gold', '--stage', '1:5m', '--stage', '50%:0s', '--alarm', 'error:0.2', '--by', 'ann'];
    expect(await prod(...staged)).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') as string });
    const [, planned = ''] = /^proposal (\d+) of/.exec((await prod(...staged, '--replace')).stdout) ?? [];
    expect((await prod('approve', name, planned, '--show')).stdout).toContain('reaches: clients with ring = beta or gold: 1 instance for 5m, then 50 %, then all clients; taken back at 20 % more instances that are reporting an error\n');
    expect(await prod('publish', name, '--proposal', planned, '--stage', '9:1m')).toMatchObject({ code: 2, stderr: expect.stringContaining('published as it was approved') as string });
    await prod('approve', name, planned, '--by', 'bob');
    expect((await prod('publish', name, '--proposal', planned)).stdout).toBe(`release 2 of ${name} begins its rollout\n`);
    expect((await prod('rollout', name)).stdout).toContain('stage 1 of 2');
  });

  it('says that a proposal is void once its draft has changed, and its approvals with it', async () => {
    const name = fresh();
    await ask(['namespaces', 'create', 'voided']);
    await fetch(`${url()}/rollcall/v1/config/environment?environment=voided`, { method: 'PUT', body: JSON.stringify({ order: 1, policy: { approvals: 1 } }) });
    const voided = (...args: string[]) => config(...args, '--namespace', 'voided', '--by', 'ann');
    await voided('set', name, 'a: 1');
    const [, number = ''] = /^proposal (\d+) of/.exec((await voided('publish', name)).stdout) ?? [];
    await voided('approve', name, number);
    await voided('set', name, 'a: 2');
    const reason = 'its draft was changed, thrown away or proposed anew, so';
    expect(await voided('publish', name, '--proposal', number)).toMatchObject({ code: 1, stderr: `rollcall: proposal ${number} of ${name} was not published: ${reason} the proposal and its approvals are void; "rollcall config publish ${name}" proposes the draft again\n` });
    expect(await voided('approve', name, number)).toMatchObject({ code: 1, stderr: expect.stringContaining(`proposal ${number} of ${name} is void: ${reason} its approvals are void; review the newest proposal`) as string });
    const [, next = ''] = /^proposal (\d+) of/.exec((await voided('publish', name)).stdout) ?? [];
    await voided('approve', name, next);
    await voided('publish', name, '--proposal', next);
    expect(await voided('publish', name, '--proposal', next)).toMatchObject({ code: 1, stderr: `rollcall: proposal ${next} of ${name} was not published: it is published already\n` });
  });

  it('shows and changes the rules of an environment, and who has changed them', async () => {
    await ask(['namespaces', 'create', 'ruled']);
    const environment = (...args: string[]) => config('environment', ...args);
    const rules = async () => JSON.parse((await environment('get', 'ruled')).stdout) as { readonly order: number; readonly policy: object; readonly revision: number };
    expect(await rules()).toEqual({ environment: 'ruled', order: 0, policy: {}, revision: 0 });
    const freezes = ['--freeze', '2030-12-24T00:00Z/2031-01-02T00:00Z=holidays', '--freeze', '2031-02-01/2031-02-02=audit'];
    const all = ['--order', '3', '--approvals', '2', '--four-eyes', '--schema-required', ...freezes, '--stage', '1:10m', '--stage', '50%:1h', '--alarm', 'error:0.2', '--history-max', '7', '--history-days', '30'];
    expect(await environment('set', 'ruled', ...all, '--by', 'ann', '--message', 'audit asks for it')).toMatchObject({
      ...{ code: 0, stderr: '', stdout: 'the rules of ruled are: approvals 2, fourEyes, schemaRequired, freezes, rollout, historyMax 7, historyMs 2592000000\n' },
    });
    expect(await rules()).toMatchObject({
      order: 3,
      policy: {
        ...{ approvals: 2, fourEyes: true, schemaRequired: true, historyMax: 7, historyMs: 2_592_000_000 },
        freezes: [{ fromMs: Date.parse('2030-12-24T00:00Z'), toMs: Date.parse('2031-01-02T00:00Z'), why: 'holidays' }, { why: 'audit' }],
        rollout: { stages: [{ count: 1, bakeMs: 600_000 }, { percent: 50, bakeMs: 3_600_000 }], alarm: { on: ['error'], share: 0.2 } },
      },
    });
    await environment('set', 'ruled', '--approvals', '0', '--no-four-eyes', '--no-freezes', '--no-stages', '--history-days', '0', '--webhook', 'http://127.0.0.1:1/agree', '--by', 'bob');
    expect((await rules()).policy).toEqual({ approvals: 0, fourEyes: false, schemaRequired: true, freezes: [], historyMax: 7, webhook: 'http://127.0.0.1:1/agree' });
    expect((await environment('list')).stdout).toMatch(/^ENVIRONMENT +ORDER +RULES\n[^]*ruled +3 +schemaRequired, historyMax 7, webhook http:\/\/127\.0\.0\.1:1\/agree\n/);
    expect((await environment('delete', 'ruled', '--by', 'eve')).stdout).toBe('ruled has no rules any more\n');
    expect(await environment('delete', 'ruled')).toMatchObject({ code: 3, stderr: 'rollcall: ruled has no rules\n' });
    const [, last, , first] = (await environment('history', 'ruled')).stdout.split('\n');
    expect([last, first]).toEqual([expect.stringMatching(/^3 +\S+ +eve +order 3, schemaRequired.* none *$/), expect.stringMatching(/^1 +\S+ +ann +none +order 3, approvals 2, fourEyes.* audit asks for it$/)]);
    expect(await environment('get', 'nowhere')).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no namespace nowhere') as string });
  });

  it.each<[readonly string[], string]>([
    [['--freeze', 'today'], 'write FROM/TO=WHY'],
    [['--freeze', '2031-02-02/2031-02-01=back'], 'write FROM/TO=WHY'],
    [['--stage', '1:1m', '--no-stages'], 'give --stage or --no-stages'],
    [['--alarm', 'error:0.5'], '--alarm, --alarm-webhook and --service are for --stage'],
    [['--approvals', '-1'], 'whole number'],
  ])('refuses the rules %j', async (args, message) => {
    expect(await config('environment', 'set', 'default', ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
  });

  it('rolls out in stages, shows who has what, and stops', async () => {
    const name = `fleet/app-${++used}.yaml`;
    for (const node of ['n1', 'n2', 'n3']) {
      const service = { Node: node, Address: '10.0.0.1', Service: { ID: 'fleet', Service: 'fleet' } };
      expect((await fetch(`${url()}/v1/catalog/register`, { method: 'PUT', body: JSON.stringify(service) })).status).toBe(200);
    }
    await config('publish', name, '--content', 'a: 1');
    expect((await config('publish', name, '--content', 'a: 2', '--stage', '1:10m', '--stage', '50%:10m', '--alarm', 'unhealthy,error:0.5')).stdout).toBe(`release 2 of ${name} begins its rollout\n`);
    expect((await config('rollout', name)).stdout).toBe('rollout release gives release 2 to 1 of 1 instances: stage 1 of 2, running\n');
    const releases = async () => (await json<{ readonly readers: readonly { readonly release: number }[] }>('who', name)).readers.map(({ release }) => release).toSorted((a, b) => a - b);
    expect(await releases()).toEqual([1, 1, 2]);
    expect((await config('who', name)).stdout).toMatch(/^INSTANCE +ADDRESS +RELEASE +APPLIED +ROLLOUT +STATUS\nn1\/fleet +10\.0\.0\.1 +[12] /);
    expect((await config('rollout', name, 'pause')).stdout).toBe(`rollout release of ${name}: pause is done\n`);
    expect((await config('rollout', name)).stdout).toContain('paused');
    expect((await config('rollout', name, 'stop', '--message', 'enough')).code).toBe(0);
    expect([await releases(), (await config('rollout', name)).stdout]).toEqual([[1, 1, 1], `no rollout of ${name} is under way\n`]);
    expect((await config('rollout', name, 'stop')).code).toBe(3);
  });

  it('gives a release to the clients that a rule names', async () => {
    const name = fresh();
    await config('publish', name, '--content', 'a: 1');
    const [app = '', file = ''] = name.split('/');
    const rules: readonly (readonly [string, object])[] = [
      ['app:x,y', { kind: 'app', apps: ['x', 'y'] }],
      ['address:10.0.0.0/8', { kind: 'address', addresses: ['10.0.0.0/8'] }],
      ['instance:n1/shop', { kind: 'instance', instances: ['n1/shop'] }],
      ['expression:labels.ring == "beta"', { kind: 'expression', expression: 'labels.ring == "beta"' }],
      ['label:ring=beta,canary', { kind: 'label', label: 'ring', values: ['beta', 'canary'] }],
    ];
    for (const [at, [text, rule]] of rules.entries()) {
      expect((await config('publish', name, '--content', `a: ${at + 2}`, '--rule', text)).stdout).toBe(`release ${at + 2} of ${name} begins its rollout\n`);
      expect((await json<{ readonly rollouts: readonly object[] }>('get', name)).rollouts).toMatchObject([{ name: 'rule', rule }]);
    }
    const resolved = async (ring: string) => ((await (await fetch(`${url()}/rollcall/v1/config/resolve?${new URLSearchParams({ app, name: file, label: `ring=${ring}` }).toString()}`)).json()) as { readonly merged: { readonly content: string } }).merged.content;
    expect([await resolved('canary'), await resolved('stable')]).toEqual(['a: 6', 'a: 1']);
    expect((await config('rollout', name)).stdout).toBe('rollout rule gives release 6 to the clients that its rule names\n');
    expect((await config('rollout', name, 'complete')).code).toBe(0);
    expect(await resolved('stable')).toBe('a: 6');
  });

  it('makes an environment like a directory, and locks it for other editors', async () => {
    await ask(['namespaces', 'create', 'tree']);
    const tree = (...args: string[]) => config(...args, '--namespace', 'tree');
    await tree('publish', 'shop/app.yaml', '--content', 'a: 1');
    await tree('publish', 'shop/sub/more.json', '--content', '{"b": 1}');
    await tree('publish', 'old/gone.txt', '--content', 'x');
    await tree('publish', 'shop/.env', '--content', 'x');
    const dir = folder();
    expect((await tree('export', dir)).stdout).toBe(`4 configurations written to ${dir}\n`);
    expect([readFileSync(join(dir, 'shop/sub/more.json'), 'utf8'), (await tree('plan', dir)).stdout]).toEqual(['{"b": 1}', 'nothing to do\n']);
    writeFileSync(join(dir, 'shop/app.yaml'), 'a: 2');
    writeFileSync(join(dir, 'shop/.hidden'), 'x');
    writeFileSync(join(dir, 'shop/new.toml'), 'c = 1');
    rmSync(join(dir, 'old'), { recursive: true });
    expect((await tree('plan', dir)).stdout).toBe('change shop/app.yaml\ncreate shop/new.toml\n');
    expect((await tree('plan', dir, '--prune')).stdout).toContain('remove old/gone.txt\n');
    expect((await tree('apply', dir, '--prune', '--owner', 'git', '--message', 'commit 1')).stdout).toBe('change shop/app.yaml\ncreate shop/new.toml\nremove old/gone.txt\n3 changes done\n');
    expect([(await tree('get', 'shop/app.yaml')).stdout, (await tree('get', 'old/gone.txt')).code]).toEqual(['a: 2', 3]);
    // It is the file shop/%2Eenv; one that begins with a dot is never read.
    expect((await tree('get', 'shop/.env')).stdout).toBe('x');
    expect((await tree('history', 'shop/app.yaml')).stdout).toContain('commit 1');
    expect(await tree('publish', 'shop/app.yaml', '--content', 'a: 3')).toMatchObject({ code: 1, stderr: expect.stringContaining('comes from a repository') as string });
    expect((await tree('apply', dir, '--owner', 'git')).stdout).toBe('nothing to do\n');
    writeFileSync(join(dir, 'shop/app.yaml'), 'a: 4');
    const next = /^proposal (\d+), to change shop\/app\.yaml, needs no further approval: rollcall config publish shop\/app\.yaml --proposal \1\n1 change proposed\n$/;
    expect((await tree('apply', dir, '--propose')).stdout).toMatch(next);
    expect((await tree('apply', dir, '--propose')).stdout).toMatch(next);
    expect([(await tree('get', 'shop/app.yaml')).stdout, (await tree('get', 'shop/app.yaml', '--draft')).stdout]).toEqual(['a: 2', 'a: 4']);
    writeFileSync(join(dir, 'top'), 'x');
    expect(await tree('plan', dir)).toMatchObject({ code: 1, stderr: expect.stringContaining('is in no folder of an app') as string });
  });

  it.each<[readonly string[], string]>([
    [['get', 'shop'], '"shop" is not APP/NAME'],
    [['get', 'shop/x', '--release', '1', '--draft'], 'give --release or --draft'],
    [['diff', 'shop/x', '--from', 'y'], '"y" is no number of a release'],
    [['publish', 'shop/x', '--content', 'a', '--at', 'now'], 'give one of'],
    [['publish', 'shop/x', '--at', 'soon'], '"soon" is no time'],
    [['publish', 'shop/x', '--stage', '10'], 'write PERCENT%:TIME'],
    [['publish', 'shop/x', '--stage', '1.5:1m'], 'a count is a whole number'],
    [['publish', 'shop/x', '--alarm', 'sick:1'], 'write WHAT:SHARE'],
    [['publish', 'shop/x', '--rule', 'ring:beta'], 'write app:A,B'],
    [['publish', 'shop/x', '--proposal', '7', '--rule', 'app:x'], 'a proposal is published as it was approved'],
  ])('refuses %j before anything is asked', async (args, message) => {
    expect(await config(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
  });

  it('says what is missing', async () => {
    expect(await config('get', 'shop/none')).toMatchObject({ code: 3, stderr: expect.stringContaining('no configuration shop/none') as string });
  });
});
