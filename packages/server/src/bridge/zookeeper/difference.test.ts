import { describe, expect, it } from 'vitest';
import { difference, type Entry } from './difference.ts';

const own = (data: string, version = 0): Entry => ({ data: Buffer.from(data), version, mirrored: false });
const mirrored = (data: string, version = 0): Entry => ({ data: Buffer.from(data), version, mirrored: true });
const at = (entry: Entry | undefined) => new Map(entry === undefined ? [] : [['i1', entry]]);

describe('one direction', () => {
  it.each([
    { what: 'mirrors what the target does not have', source: own('a'), target: undefined, kinds: ['create'] },
    { what: 'changes what it has mirrored, at the version that it saw', source: own('b'), target: mirrored('a', 3), kinds: ['update'] },
    { what: 'leaves what is equal', source: own('a'), target: mirrored('a'), kinds: [] },
    { what: 'leaves what an application has registered at the target itself', source: own('b'), target: own('a'), kinds: [] },
    { what: 'leaves what only the target has', source: undefined, target: own('a'), kinds: [] },
    { what: 'deletes what it has mirrored when the source has it no more', source: undefined, target: mirrored('a', 2), kinds: ['delete'] },
    { what: 'does not mirror what was mirrored from the target', source: mirrored('a'), target: own('a'), kinds: [] },
    { what: 'does not bring back what was mirrored from the target', source: mirrored('a'), target: undefined, kinds: [] },
    { what: 'deletes what both sides have from each other, since no application has it', source: mirrored('a'), target: mirrored('a'), kinds: ['delete'] },
  ])('$what', ({ source, target, kinds }) => {
    const actions = difference(at(source), at(target));
    expect(actions.map(({ kind }) => kind)).toEqual(kinds);
    for (const action of actions) if (action.kind !== 'create') expect(action.version).toBe(target?.version);
    for (const action of actions) if (action.kind !== 'delete') expect(action.data).toEqual(source?.data);
  });

  it('finds every entry of a group', () => {
    const source = new Map([['new', own('1')], ['same', own('2')], ['changed', own('3')]]);
    const target = new Map([['same', mirrored('2')], ['changed', mirrored('0')], ['gone', mirrored('4')]]);
    expect(difference(source, target).map(({ kind, name }) => `${kind} ${name}`)).toEqual(['create new', 'update changed', 'delete gone']);
  });
});
