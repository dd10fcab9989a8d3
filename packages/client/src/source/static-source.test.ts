import { expect, it } from 'vitest';
import type { SourcedSnapshot } from './snapshot-source.ts';
import { StaticSource } from './static-source.ts';

it('accepts instances as host:port and as objects', () => {
  const source = new StaticSource({ web: ['10.0.0.1:80', '[fd00::1]:8080', { address: 'web.internal', port: 81, weight: 3 }] });
  const instances = source.current('web')?.instances ?? [];
  expect(instances.map(({ address, port, weight, status }) => [address, port, weight, status])).toEqual([
    ['10.0.0.1', 80, 1, 'passing'],
    ['fd00::1', 8080, 1, 'passing'],
    ['web.internal', 81, 3, 'passing'],
  ]);
  expect(new Set(instances.map(({ id }) => id)).size).toBe(3);
});

it.each(['web', 'web:', ':80', '10.0.0.1:65536', 'http://web:80', 'fd00::1:80', '10.0.0.1:80/path'])('refuses %s', (entry) => {
  expect(() => new StaticSource({ web: [entry] })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});

it('calls its watchers with the list at once and with each newer one, with rising revisions', () => {
  const source = new StaticSource({ web: ['10.0.0.1:80'] });
  const seen: SourcedSnapshot[] = [];
  const stop = source.watch('web', (snapshot) => seen.push(snapshot));
  source.set('web', []);
  source.set('other', ['10.0.0.1:80']);
  stop();
  source.set('web', ['10.0.0.2:80']);
  expect(seen.map(({ revision, instances }) => [revision, instances.length])).toEqual([
    [1, 1],
    [2, 0],
  ]);
  expect(source.current('web')?.revision).toBe(3);
});

it('waits for the first list, until the signal aborts', async () => {
  const source = new StaticSource();
  const first = source.first('web');
  source.set('web', ['10.0.0.1:80']);
  expect((await first).instances).toHaveLength(1);
  await expect(source.first('other', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
