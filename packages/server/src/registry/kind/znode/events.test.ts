/** Events of znodes: which changes make which events, and that none is lost when commands are committed together. */

import { expect, test } from 'vitest';
import type { Command } from '../../kinds.ts';
import { znodeEvents } from './events.ts';
import { answers, close, create, ephemeral, multi, remove, set, setAcl, withSessions } from './znode.case.ts';

const cases: readonly (readonly [string, readonly Command[], readonly string[]])[] = [
  ['a creation', [create('/a')], ['created /a', 'children /']],
  ['a deletion', [remove('/p/c')], ['deleted /p/c', 'children /p']],
  ['a change of data, also to the same', [set('/p', '')], ['changed /p']],
  ['a change of an ACL has none', [setAcl('/p', [{ perms: 31, scheme: 'world', id: 'anyone' }])], []],
  ['the end of a session', [close('s2')], ['deleted /p/e', 'children /p']],
  ['a znode that is replaced in one transaction', [remove('/p/c'), create('/p/c')], ['deleted /p/c', 'created /p/c', 'children /p']],
  ['a parent that is deleted with its child', [multi(remove('/q/c'), remove('/q'))], ['deleted /q/c', 'deleted /q', 'children /']],
];

test.each(cases)('%s', (_title, commands, expected) => {
  const journal = withSessions('s1', 's2');
  answers(journal, [create('/p'), create('/p/c'), ephemeral('/p/e', 's2'), create('/q'), create('/q/c')]);
  const { changes, revision } = journal.step(commands);
  expect(Array.from(znodeEvents(changes, revision), ({ type, path }) => `${type} ${path}`).sort()).toEqual(expected.toSorted());
});

test('a znode that is created and deleted at once is seen by clients that wait for it', () => {
  const journal = withSessions('s1');
  const steps: string[][] = [];
  for (let left: readonly Command[] = [create('/go'), remove('/go'), ephemeral('/e'), close('s1')]; left.length > 0; ) {
    const { outcomes, changes, revision } = journal.step(left);
    steps.push(Array.from(znodeEvents(changes, revision), ({ type, path }) => `${type} ${path}`).filter((event) => !event.startsWith('children')));
    left = [...outcomes.flatMap((outcome) => ('next' in outcome ? [outcome.next] : [])), ...left.slice(outcomes.length)];
  }
  expect(steps).toEqual([['created /go'], ['deleted /go', 'created /e'], ['deleted /e']]);
});
