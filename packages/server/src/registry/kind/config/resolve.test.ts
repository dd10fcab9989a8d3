import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { ConfigPublish } from './commands.ts';
import { publicConfigs } from './find.ts';
import { givenTo, type ConfigReader } from './given.ts';
import { candidatesFor, resolve, viewsOf } from './resolve.ts';
import type { ConfigRef, ConfigRow, RolloutRule } from './rows.ts';

const name = { namespace: 'default', app: 'shop', name: 'app' };

function publish(content: string, more: Partial<ConfigPublish> = {}): ConfigPublish {
  return { kind: 'config-publish', ...name, cluster: 'default', content: Buffer.from(content), md5: content, hash: content, ...more };
}

function published(...commands: ConfigPublish[]): Journal {
  const journal = new Journal();
  const { outcomes } = journal.commit(commands);
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
  return journal;
}

function layers(journal: Journal, reader: ConfigReader, of = name): string[] {
  return resolve(journal.state, of, reader).layers.map(({ release, rollout }) => `${Buffer.from(release.content).toString()}${rollout === undefined ? '' : ` by ${rollout.name}`}`);
}

describe('a client gets', () => {
  const clusters = published(publish('default'), publish('dc', { cluster: 'dc1' }), publish('cluster', { cluster: 'blue' }));

  it.each<[ConfigReader, string]>([
    [{}, 'default'],
    [{ cluster: 'blue' }, 'cluster'],
    [{ cluster: 'blue', datacentre: 'dc1' }, 'cluster'],
    [{ cluster: 'green', datacentre: 'dc1' }, 'dc'],
    [{ datacentre: 'dc2' }, 'default'],
    [{ cluster: 'green' }, 'default'],
  ])('as %j the configuration of its cluster, its datacentre, or the cluster default: %s', (reader, content) => {
    expect(layers(clusters, reader)).toEqual([content]);
  });

  it('its own before the public parents, in their order, each by cluster', () => {
    const shared = { app: 'platform', settings: { visibility: 'public' } } as const;
    const journal = published(
      publish('own', { settings: { parents: [{ app: 'platform', name: 'db' }, { app: 'platform', name: 'log' }, { app: 'shop', name: 'base' }, { app: 'platform', name: 'none' }] } }),
      publish('db', { ...shared, name: 'db' }),
      publish('db of blue', { ...shared, name: 'db', cluster: 'blue' }),
      publish('log', { app: 'platform', name: 'log' }),
      publish('base', { name: 'base' }),
    );
    expect(layers(journal, {})).toEqual(['own', 'db', 'base']);
    expect(layers(journal, { cluster: 'blue' })).toEqual(['own', 'db of blue', 'base']);
    journal.commit([publish('log', { app: 'platform', name: 'log', settings: { visibility: 'public' } })]);
    expect(layers(journal, {})).toEqual(['own', 'db', 'log', 'base']);
    expect(Array.from(publicConfigs(journal.state, 'default', 'db'), ({ cluster }) => cluster).sort()).toEqual(['blue', 'default']);
    journal.commit([publish('db', { ...shared, name: 'db', settings: { visibility: 'private' } })]);
    expect(layers(journal, {})).toEqual(['own', 'log', 'base']);
  });

  it('the same as all others of its cluster and datacentre, unless one of the rows that it looks in has a rollout', () => {
    const beta = { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] }, priority: 1 } as const;
    const journal = published(publish('own', { settings: { parents: [{ app: 'platform', name: 'db' }] } }), publish('db', { app: 'platform', name: 'db', settings: { visibility: 'public' } }));
    expect(candidatesFor(journal.state, name, {}).isForAll).toBe(true);
    journal.commit([publish('of blue', { cluster: 'blue', rollout: beta })]);
    expect([candidatesFor(journal.state, name, {}).isForAll, candidatesFor(journal.state, name, { cluster: 'blue' }).isForAll]).toEqual([true, false]);
    journal.commit([publish('new db', { app: 'platform', name: 'db', rollout: beta })]);
    expect(candidatesFor(journal.state, name, {}).isForAll).toBe(false);
  });

  it('a rollout that names it before the release for all, in each layer', () => {
    const beta = { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] }, priority: 1 } as const;
    const journal = published(
      publish('own', { settings: { parents: [{ app: 'platform', name: 'db' }] } }),
      publish('db', { app: 'platform', name: 'db', settings: { visibility: 'public' } }),
      publish('db beta', { app: 'platform', name: 'db', rollout: beta }),
      publish('own beta', { rollout: beta }),
    );
    expect(layers(journal, { labels: { ring: 'beta' } })).toEqual(['own beta by beta', 'db beta by beta']);
    expect(layers(journal, { labels: { ring: 'stable' } })).toEqual(['own', 'db']);
  });

  it('nothing when nothing is published, and only the parents when its own is removed', () => {
    const journal = published(publish('own', { settings: { parents: [{ app: 'platform', name: 'db' }] } }), publish('db', { app: 'platform', name: 'db', settings: { visibility: 'public' } }));
    expect(layers(journal, {}, { ...name, name: 'other' })).toEqual([]);
    journal.commit([{ kind: 'config-remove', ...name, cluster: 'default' }]);
    expect(layers(journal, {})).toEqual(['db']);
  });
});

it('the views of a client are woken by each change of what it gets, and by no other', () => {
  const journal = published(publish('own', { settings: { parents: [{ app: 'platform', name: 'db' }] } }));
  const woken: string[] = [];
  for (const view of viewsOf(journal.state, name, { cluster: 'blue', datacentre: 'dc1' })) journal.views.watch(view, () => woken.push(view));
  const heard = (command: ConfigPublish) => {
    woken.length = 0;
    journal.commit([command]);
    return woken.length;
  };
  expect([publish('a'), publish('b', { cluster: 'blue' }), publish('c', { cluster: 'dc1' }), publish('d', { app: 'platform', name: 'db' })].map(heard)).toEqual([1, 1, 1, 1]);
  expect([publish('e', { cluster: 'green' }), publish('f', { name: 'other' }), publish('g', { app: 'other' })].map(heard)).toEqual([0, 0, 0]);
});

it.each<[RolloutRule, ConfigReader, boolean]>([
  [{ kind: 'app', apps: ['web', 'api'] }, { app: 'api' }, true],
  [{ kind: 'app', apps: ['web'] }, { app: 'api' }, false],
  [{ kind: 'app', apps: ['web'] }, {}, false],
  [{ kind: 'address', addresses: ['10.0.0.1', '10.1.0.0/16'] }, { address: '10.1.2.3' }, true],
  [{ kind: 'address', addresses: ['10.0.0.1', '10.1.0.0/16'] }, { address: '10.2.2.3' }, false],
  [{ kind: 'label', label: 'zone', values: ['a', 'b'] }, { labels: { zone: 'b' } }, true],
  [{ kind: 'label', label: 'zone', values: ['a'] }, { labels: { ring: 'a' } }, false],
  [{ kind: 'label', label: 'constructor', values: ['a'] }, { labels: {} }, false],
  [{ kind: 'instance', instances: ['n1/web-1'] }, { instance: 'n1/web-1' }, true],
  [{ kind: 'instance', instances: ['web-1'] }, { instance: 'n2/web-1' }, true],
  [{ kind: 'instance', instances: ['n1/web-1'] }, { instance: 'n2/web-1' }, false],
  [{ kind: 'instance', instances: ['n1/web-1', 'web-2'] }, { among: ['n1/web-1', 'n2/web-2'] }, true],
  [{ kind: 'instance', instances: ['n1/web-1'] }, { among: ['n1/web-1', 'n2/web-2'] }, false],
])('the rule %j names the client %j: %s', (rule, reader, named) => {
  const ref: ConfigRef = { ...name, cluster: 'default' };
  const row: ConfigRow = {
    ...{ kind: 'config', ...ref, release: 1, last: 2, md5: 'a', bytes: 1, createdMs: 0, changedMs: 0, created: 1, modified: 1 },
    rollouts: [{ name: 'r', release: 2, md5: 'b', rule, priority: 1 }],
  };
  expect(givenTo(new Journal().state, row, reader)?.release).toBe(named ? 2 : 1);
});
