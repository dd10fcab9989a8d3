import { expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import { encodeRow, keyOf, kinds, type Row } from '../../kinds.ts';
import { findConfig, findRelease, historyOf, proposalsIn } from './find.ts';
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
  expect([{}, { address: '10.0.0.1' }, { labels: { tag: 'canary' } }].map((reader) => givenTo(journal.state, row, reader)?.release)).toEqual([1, 2, 3]);
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

it.each([
  ['a plan for all clients', '"rollout":{"stages":[{"percent":10,"bakeMs":1}]},', { rollout: { name: 'release', priority: 0, plan: { stages: [{ percent: 10, bakeMs: 1 }] } } }],
  ['no plan, since the policy of the day of publication had one', '', { byPolicy: true }],
])('a proposal of format 1 with %s is published as it would have been', (_what, field, expected) => {
  const journal = new Journal();
  const record = { key: 'config-proposal\0default\0SHOP\x007\0app.yaml', value: Buffer.from(`\u0001\u0001{"namespace":"default","app":"SHOP","cluster":"default","name":"app.yaml","number":7,"md5":"m","hash":"h","base":0,"state":"open","editors":["ann"],"atMs":1,"approvals":[],"checks":[],${field}"message":"m"}\nc: 1\n`) };
  journal.rewrite([record]);
  const [row] = proposalsIn(journal.state, 'default');
  expect(row).toMatchObject({ number: 7, state: 'open', content: Buffer.from('c: 1\n'), ...expected });
  const stages = [{ percent: 90, bakeMs: 1 }];
  const { outcomes } = journal.commit([{ kind: 'config-environment-put', namespace: 'default', order: 1, policy: { rollout: { stages } } }, { kind: 'config-publish-proposal', ...ref, number: 7 }], 10);
  expect(outcomes[1]).toEqual({ result: 1 });
  // The first release has no rollout by the policy: there is nothing to compare it with.
  expect(findConfig(journal.state, ref)?.rollouts?.map(({ name }) => name)).toEqual(field === '' ? undefined : ['release']);
});

it('no record of format 1 is written any more', () => {
  const journal = new Journal();
  journal.rewrite(records);
  for (const [, row] of journal.state.rows()) expect(encodeRow(row as Row)[0]).toBe(kinds.of(row as Row).format);
});
