import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { FileSource } from './file-source.ts';

let folder: string;
let path: string;
const open: FileSource[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-file-'));
  path = join(folder, 'services.json');
});
afterEach(async () => {
  for (const source of open.splice(0)) source.close();
  await rm(folder, { recursive: true });
});

const write = (services: unknown) => writeFile(path, typeof services === 'string' ? services : JSON.stringify(services));

async function setUp(services: unknown) {
  await write(services);
  const clock = manualClock();
  const warnings: string[] = [];
  let warned = () => {};
  const onWarning = (message: string) => (warnings.push(message), warned());
  const source = await FileSource.open(path, { onWarning }, { clock });
  open.push(source);
  const next = (service: string, holds: (count: number) => boolean) =>
    new Promise<readonly string[]>((resolve) => {
      source.watch(service, ({ instances }) => holds(instances.length) && resolve(instances.map(({ id }) => id)));
    });
  const warning = () => new Promise<void>((resolve) => (warned = resolve));
  return { source, clock, warnings, next, warning };
}

describe('a file', () => {
  it('contains the instances of its services, in short or full form', async () => {
    const { source } = await setUp({ web: ['10.0.0.1:80', { address: '10.0.0.2', port: 81, tags: ['canary'], weight: 3 }], db: [] });
    expect(source.current('web')?.instances).toMatchObject([
      { id: '10.0.0.1:80', service: 'web', weight: 1, status: 'passing' },
      { address: '10.0.0.2', port: 81, tags: ['canary'], weight: 3 },
    ]);
    expect((await source.first('db')).instances).toEqual([]);
  });

  it('gives an empty list for a service that it does not name', async () => {
    const { source } = await setUp({});
    expect((await source.first('web')).instances).toEqual([]);
  });

  it('is read again, also when another file replaces it, and only changes are reported', async () => {
    const { source, clock, next } = await setUp({ web: ['10.0.0.1:80'], db: ['10.0.0.9:5432'] });
    let told = 0;
    source.watch('db', () => (told += 1));
    const grown = next('web', (count) => count === 2);
    await writeFile(join(folder, 'new'), JSON.stringify({ web: ['10.0.0.1:80', '10.0.0.2:80'], db: ['10.0.0.9:5432'] }));
    await rename(join(folder, 'new'), path);
    clock.advance(1_000);
    expect(await grown).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect([told, source.current('web')?.revision]).toEqual([1, 2]);
  });

  it('that no longer names a service removes its instances', async () => {
    const { clock, next } = await setUp({ web: ['10.0.0.1:80'] });
    const gone = next('web', (count) => count === 0);
    await write({});
    clock.advance(1_000);
    expect(await gone).toEqual([]);
  });
});

describe('an invalid file', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['is not JSON', '{', /not JSON/],
    ['is a list', [], /object of lists/],
    ['has no list', { web: 'x:1' }, /web must be a list/],
    ['has an entry without a port', { web: [{ address: 'x' }] }, /no address and port/],
    ['has an entry that is no host and port', { web: ['x'] }, /not host:port/],
  ];

  it.each(wrong)('with %s is refused at the start', async (_, services, message) => {
    await write(services);
    await expect(FileSource.open(path)).rejects.toThrow(message);
  });

  it('changes nothing, is reported once, and is used when it is valid again', async () => {
    const { source, clock, warnings, next, warning } = await setUp({ web: ['10.0.0.1:80'] });
    await write({ web: ['x'] });
    const first = warning();
    clock.advance(1_000);
    await first;
    expect(source.current('web')?.instances).toHaveLength(1);
    await rm(path);
    const second = warning();
    // Writes again and again, since a reading begins only after the previous one has ended.
    while (warnings.length < 2) {
      clock.advance(1_000);
      await Promise.race([second, new Promise((turn) => setImmediate(turn))]);
    }
    expect(warnings).toEqual([expect.stringContaining('not host:port'), expect.stringContaining('ENOENT')]);
    await write({ web: ['10.0.0.1:80', '10.0.0.2:80'] });
    const grown = new AbortController();
    void next('web', (count) => count === 2).then(() => grown.abort());
    while (!grown.signal.aborted) {
      clock.advance(1_000);
      await new Promise((turn) => setImmediate(turn));
    }
    expect(source.current('web')?.instances).toHaveLength(2);
  });

  it.each([0, NaN])('an interval of %d is refused', async (intervalMs) => {
    await write({});
    await expect(FileSource.open(path, { intervalMs })).rejects.toThrow(/10 or more/);
  });
});
