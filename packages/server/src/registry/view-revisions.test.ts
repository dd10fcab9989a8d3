/** Views take their revisions from existing rows; a marker is written only where a row was removed. */

import { describe, expect, test } from 'vitest';
import { Journal } from './journal.case.ts';
import { checksView, nodeView, nodesView, serviceView, servicesView } from './kind/catalog/views.ts';
import type { Command } from './kinds.ts';

const web = (id: string, port: number, service = 'web'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: 'n1', address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id, service, port }],
  checks: [{ id: `${id}-ttl`, name: 'ttl', instance: id }],
});
const check = (status: 'passing' | 'critical'): Command => ({
  kind: 'update-checks',
  updates: [{ namespace: 'default', node: 'n1', id: 'a-ttl', status }],
});

function recordsOf(commands: readonly Command[]): string[][] {
  const journal = new Journal();
  return commands.map((command) => journal.commit([command]).changes.map(({ key }) => key.replace('\0default', '').replaceAll('\0', ' ')).sort());
}

describe('the markers that a change writes besides its rows', () => {
  test('the first instance of a service changes the catalog, which does not follow from one of its rows', () => {
    expect(recordsOf([web('a', 80)])).toEqual([['check n1 a-ttl', 'instance n1 a', 'node n1', 'view services']]);
  });

  for (const [what, command, records] of [
    ['nothing for an instance that is registered again', web('a', 81), ['instance n1 a']],
    ['nothing for another instance of the service', web('b', 80), ['check n1 b-ttl', 'instance n1 b']],
    ['nothing for a check that changes its status', check('passing'), ['check n1 a-ttl']],
    [
      'a marker for each view that stops showing the row of an instance',
      { kind: 'deregister-instance', namespace: 'default', node: 'n1', id: 'a' },
      ['check n1 a-ttl', 'instance n1 a', 'view checks', 'view node n1', 'view service web', 'view services'],
    ],
    [
      'a marker for the service that an instance leaves',
      web('a', 80, 'billing'),
      ['instance n1 a', 'view checks', 'view service web', 'view services'],
    ],
  ] as const satisfies readonly (readonly [string, Command, readonly string[]])[]) {
    test(what, () => expect(recordsOf([web('a', 80), command])[1]).toEqual(records));
  }
});

test('a restart derives the revisions of views with rows, of empty ones, and of one that never was', () => {
  const journal = new Journal();
  const commands: Command[] = [web('a', 80), web('b', 80), check('passing'), web('c', 80, 'gone'), { kind: 'deregister-instance', namespace: 'default', node: 'n1', id: 'c' }];
  for (const command of commands) journal.commit([command]);
  const views = [serviceView('default', 'web'), serviceView('default', 'gone'), serviceView('default', 'never'), nodeView('default', 'n1'), nodesView(), checksView('default'), servicesView('default')];
  const revisions = () => views.map((view) => journal.views.revision(view));
  const before = revisions();
  expect(before).toEqual([3, 5, 0, 5, 1, 5, 5]);
  journal.restart();
  expect(revisions()).toEqual(before);
  expect([...journal.state.emptyViews]).toEqual([serviceView('default', 'gone')]);
});
