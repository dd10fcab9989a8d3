import { expect, it } from 'vitest';
import { StaticSource } from '../source/static-source.ts';
import { JoinedSources } from './joined-sources.ts';

function watched(joined: JoinedSources, service: string) {
  const lists: (readonly string[])[] = [];
  const stop = joined.watch({ name: service, namespace: undefined }, (instances) => lists.push(instances.map(({ id }) => id)));
  return { lists, stop };
}

it('a service has the instances of all sources, each once, including those of a source that is added later', () => {
  const joined = new JoinedSources();
  const first = new StaticSource({ web: ['10.0.0.1:80'] });
  joined.add(first);
  const { lists } = watched(joined, 'web');
  expect(lists).toEqual([['10.0.0.1:80']]);
  joined.add(new StaticSource({ web: ['10.0.0.1:80', '10.0.0.2:80'], api: ['10.0.0.3:80'] }));
  expect(lists.at(-1)).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
  joined.add(first);
  first.set('web', []);
  expect(lists.at(-1)).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
  expect(watched(joined, 'api').lists).toEqual([['10.0.0.3:80']]);
});

it('reports an empty list only when every source has done so', () => {
  const joined = new JoinedSources();
  const late = new StaticSource();
  joined.add(new StaticSource({ web: [] }));
  joined.add(late);
  const { lists, stop } = watched(joined, 'web');
  expect(lists).toEqual([]);
  late.set('web', []);
  expect(lists).toEqual([[]]);
  stop();
  late.set('web', ['10.0.0.1:80']);
  expect(lists).toEqual([[]]);
});

it('a source that is removed removes its instances', () => {
  const joined = new JoinedSources();
  joined.add(new StaticSource({ web: ['10.0.0.1:80'] }));
  const remove = joined.add(new StaticSource({ web: ['10.0.0.2:80'] }));
  const { lists } = watched(joined, 'web');
  remove();
  remove();
  expect(lists.at(-1)).toEqual(['10.0.0.1:80']);
});
