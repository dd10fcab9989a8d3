import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from '@rollcall/server';
import { afterEach, expect, it } from 'vitest';
import { connect, FileSource, ServiceClient } from '../index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

it('a client explains a list from a registry, and later one from its disk cache', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-explain-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  const registry = await createServer();
  closing.push(() => registry.close());
  const first = await connect({ servers: [registry.url], cacheDir: dir });
  closing.push(() => first.close());
  await first.register({ service: 'db', id: 'd1', port: 5432 });
  await first.service('db').instances();
  expect(first.explain('db')).toMatchObject({
    service: 'db',
    list: { origin: 'registry', stale: false, ageMs: 0 },
    instances: [{ instance: { id: 'd1' }, standing: 'eligible', share: 1 }],
  });
  await registry.close();
  await first.close();

  const later = await connect({ servers: [registry.url], cacheDir: dir });
  closing.push(() => later.close());
  const { list, instances } = later.explain('db');
  expect(list).toMatchObject({ origin: 'disk cache', stale: true });
  expect(list?.ageMs).toBeGreaterThan(0);
  expect(instances.map(({ standing }) => standing)).toEqual(['eligible']);
  expect(later.explain('nothing')).toMatchObject({ list: undefined, instances: [] });
  // Explaining is not a use: the first use still decides about options.
  expect(later.service('db', { triesMax: 1 }).explain().list?.origin).toBe('disk cache');
  await later.close();
  expect(() => later.explain('db')).toThrow(/closed/);
});

it('names a file as the source of a list', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-explain-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'services.json'), JSON.stringify({ db: ['127.0.0.1:1'] }));
  const source = await FileSource.open(join(dir, 'services.json'));
  closing.push(() => source.close());
  const db = new ServiceClient(source, 'db');
  closing.push(() => db.close());
  await db.instances();
  expect(db.explain().list?.origin).toBe('file');
});
