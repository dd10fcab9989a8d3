import { expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import { encodeRow, keyOf, kinds, type Row } from '../../kinds.ts';
import { findConfig, findRelease, historyOf } from './find.ts';
import { givenTo } from './given.ts';

const ref = { namespace: 'default', app: 'SHOP', cluster: 'default', name: 'app.yaml' };

/** Records as Rollcall wrote them before configurations had clusters. */
const records = [
  {
    key: 'config\0default\0SHOP\0app.yaml',
    value: Buffer.from(
      '\u0001\u0001{"release":1,"last":3,"md5":"m1","bytes":3,"type":"yaml","app":"shop-app","description":"d","tags":["a"],"createdMs":5,"changedMs":9,' +
        '"gray":[{"name":"beta","release":2,"md5":"m2","rule":{"kind":"ip","addresses":["10.0.0.1"]},"priority":2},' +
        '{"name":"tag_canary","release":3,"md5":"m3","rule":{"kind":"tag","tag":"canary"},"priority":1}]}',
    ),
  },
  ...[1, 2, 3].map((number) => ({
    key: `config-release\0default\0SHOP\0${number}\0app.yaml`,
    value: Buffer.from(
      `\u0001\u0001{"namespace":"default","group":"SHOP","id":"app.yaml","number":${number},"step":"publish","replaced":0,"md5":"m${number}","type":"yaml",` +
        `${number === 2 ? '"gray":"beta",' : ''}"atMs":${number},"by":"ann","foreign":{"nacos":{"encryptedDataKey":"k"}}}\nc: ${number}\n`,
    ),
  })),
];

it('rows of format 1 are carried over as they are read, keep their keys, and are written in today’s format', () => {
  const journal = new Journal();
  journal.rewrite(records);
  const row = findConfig(journal.state, ref);
  expect(row).toEqual({
    ...{ kind: 'config', ...ref, release: 1, last: 3, md5: 'm1', bytes: 3, format: 'yaml', description: 'd', tags: ['a'], createdMs: 5, changedMs: 9 },
    foreign: { nacos: { appName: 'shop-app' } },
    rollouts: [
      { name: 'beta', release: 2, md5: 'm2', rule: { kind: 'address', addresses: ['10.0.0.1'] }, priority: 2 },
      { name: 'tag_canary', release: 3, md5: 'm3', rule: { kind: 'label', label: 'tag', values: ['canary'] }, priority: 1 },
    ],
    ...{ created: 1, modified: 1 },
  });
  if (row === undefined) return;
  expect([{}, { address: '10.0.0.1' }, { labels: { tag: 'canary' } }].map((reader) => givenTo(row, reader)?.release)).toEqual([1, 2, 3]);
  expect(findRelease(journal.state, ref, 2)).toEqual({
    ...{ kind: 'config-release', ...ref, number: 2, step: 'publish', parent: 0, content: Buffer.from('c: 2\n'), md5: 'm2', hash: '', format: 'yaml', rollout: 'beta' },
    ...{ atMs: 2, by: 'ann', foreign: { nacos: { encryptedDataKey: 'k' } }, created: 1, modified: 1 },
  });
  expect(Array.from(journal.state.rows(), ([key, each]) => [key, keyOf(each as Row)]).filter(([key, own]) => key !== own)).toEqual([]);

  journal.commit([{ kind: 'config-publish', ...ref, content: Buffer.from('c: 4\n'), md5: 'm4', hash: 'h4', format: 'yaml' }], 10);
  journal.restart();
  expect(findConfig(journal.state, ref)).toMatchObject({ release: 4, last: 4, md5: 'm4', createdMs: 5, foreign: { nacos: { appName: 'shop-app' } } });
  expect(Array.from(historyOf(journal.state, row), ({ number }) => number)).toEqual([3, 2, 1]);
});

it('no record of format 1 is written any more', () => {
  const journal = new Journal();
  journal.rewrite(records);
  for (const [, row] of journal.state.rows()) expect(encodeRow(row as Row)[0]).toBe(kinds.of(row as Row).format);
});
