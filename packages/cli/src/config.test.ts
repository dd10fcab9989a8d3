/** Configurations on the command line, against a registry. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, sharedRegistry } from './processes.case.ts';

const { url, ask } = sharedRegistry();

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
    expect((await config('diff', name)).stdout).toBe('  a: 1\n+ b: 2\n  \n');
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
    expect(await config('publish', name, '--content', 'a: 1')).toMatchObject({ code: 1, stderr: expect.stringContaining('confirm it') as string });
    expect(await config('publish', name, '--content', 'a: 1', '--confirm')).toMatchObject({ code: 0 });
  });

  it('lists the configurations of an environment, or of one app', async () => {
    await config('publish', 'warehouse/a.yaml', '--content', 'a: 1');
    await config('set', 'warehouse/draft.yaml', 'a: 1');
    const rows = (await config('list', 'warehouse')).stdout.split('\n');
    expect(rows[0]).toMatch(/^CONFIGURATION +CLUSTER +FORMAT +RELEASE +ROLLOUTS +BYTES +CHANGED$/);
    expect(rows[1]).toMatch(/^warehouse\/a\.yaml +default +yaml +1 + 4 +\d{4}-\S+$/);
    expect(rows[2]).toBe('');
    expect((await json<readonly { readonly app: string }[]>('list')).map(({ app }) => app)).toContain('warehouse');
    expect(await config('list', 'none')).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('there are no configurations') as string });
  });

  it('changes the schema and the parents, and shows them', async () => {
    const name = fresh();
    await config('publish', name, '--content', 'a: 1');
    const schema = join(folder(), 'schema.json');
    writeFileSync(schema, '{"required": ["a"]}');
    expect(await config('settings', name, '--schema', `@${schema}`, '--parent', 'shop/base.yaml', '--visibility', 'public')).toMatchObject({ code: 0, stdout: `the settings of ${name} are changed\n` });
    expect(JSON.parse((await config('settings', name)).stdout)).toMatchObject({ schema: '{"required": ["a"]}', parents: [{ app: 'shop', name: 'base.yaml' }], visibility: 'public' });
    expect(await config('publish', name, '--content', 'b: 1')).toMatchObject({ code: 1, stderr: expect.stringContaining('the content is refused') as string });
    await config('settings', name, '--schema', '', '--no-parents');
    expect(JSON.parse((await config('settings', name)).stdout)).not.toMatchObject({ schema: expect.anything() as unknown });
    expect(await config('settings', name, '--parent', 'base')).toMatchObject({ code: 2, stderr: expect.stringContaining('"base" is not APP/NAME') as string });
  });

  it('says which configurations need an older key', async () => {
    expect(await config('old-keys')).toMatchObject({ code: 0, stdout: 'no configuration that you may read needs an older key\n' });
    expect(await json('old-keys')).toEqual([]);
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
    expect((await prod('approve', name, number, '--show')).stdout).toBe('+ a: 1\n');
    expect(await prod('approve', name, number, '--by', 'ann')).toMatchObject({ code: 1, stderr: expect.stringContaining('the approval of another person') as string });
    expect((await prod('approve', name, number, '--by', 'bob')).stdout).toContain('has its approvals');
    expect((await prod('publish', name, '--proposal', number)).stdout).toBe(`release 1 of ${name} is published\n`);
    await prod('set', name, 'a: 2', '--by', 'ann');
    const later = (await prod('publish', name, '--at', '2090-01-01T00:00:00Z', '--json')).stdout;
    expect(JSON.parse(later)).toMatchObject({ done: false, missing: 1 });
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

  it('makes an environment like a directory, and locks it for other editors', { timeout: 120_000 }, async () => {
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
    // A file that is never read does not say that its configuration is to go.
    expect((await tree('get', 'shop/.env')).stdout).toBe('x');
    expect((await tree('history', 'shop/app.yaml')).stdout).toContain('commit 1');
    expect(await tree('publish', 'shop/app.yaml', '--content', 'a: 3')).toMatchObject({ code: 1, stderr: expect.stringContaining('comes from a repository') as string });
    expect((await tree('apply', dir, '--owner', 'git')).stdout).toBe('nothing to do\n');
    writeFileSync(join(dir, 'shop/app.yaml'), 'a: 4');
    expect((await tree('apply', dir, '--propose')).stdout).toBe('propose to change shop/app.yaml\n1 change done\n');
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
  ])('refuses %j before anything is asked', async (args, message) => {
    expect(await config(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
  });

  it('says what is missing', async () => {
    expect(await config('get', 'shop/none')).toMatchObject({ code: 3, stderr: expect.stringContaining('no configuration shop/none') as string });
  });
});
