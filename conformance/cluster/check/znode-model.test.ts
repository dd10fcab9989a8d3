import { describe, expect, it } from 'vitest';
import { linearizable } from './linearizable.ts';
import { znodeModel, type ZnodeInput, type ZnodeOperation, type ZnodeOutput } from './znode-model.ts';

/** Operations one after the other; those without an output have no return. */
const history = (...steps: [ZnodeInput, ZnodeOutput?][]): ZnodeOperation[] =>
  steps.map(([input, output], at) => ({ client: at, input, output, call: at * 2, return: output === undefined ? Infinity : at * 2 + 1 }));
const done: ZnodeOutput = { kind: 'done' };
const get: ZnodeInput = { kind: 'get' };
const create = (value: string): ZnodeInput => ({ kind: 'create', value });
const ephemeral = (value: string, session: string): ZnodeInput => ({ kind: 'create', value, session });
const end = (session: string): ZnodeInput => ({ kind: 'end', session });
const set = (value: string, version = -1): ZnodeInput => ({ kind: 'set', value, version });
const remove: ZnodeInput = { kind: 'delete', version: -1 };
const found = (value: string, version: number): ZnodeOutput => ({ kind: 'found', value, version });

describe('histories of one znode', () => {
  it.each([
    { what: 'writes that are read with their versions', steps: history([get, { kind: 'no-node' }], [create('a'), done], [set('b', 0), done], [get, found('b', 1)]), ok: true },
    { what: 'versions that begin again', steps: history([create('a'), done], [set('b'), done], [remove, done], [create('c'), done], [get, found('c', 0)]), ok: true },
    { what: 'a read of an older value', steps: history([create('a'), done], [set('b'), done], [get, found('a', 0)]), ok: false },
    { what: 'a write at an old version', steps: history([create('a'), done], [set('b', 0), done], [set('c', 0), done]), ok: false },
    { what: 'two creations', steps: history([create('a'), done], [create('b'), done]), ok: false },
    { what: 'a lost write of unknown outcome', steps: history([create('a'), done], [set('b')], [get, found('a', 0)]), ok: true },
    { what: 'a late write of unknown outcome', steps: history([create('a'), done], [set('b')], [get, found('a', 0)], [get, found('b', 1)]), ok: true },
    { what: 'a write of unknown outcome that is undone', steps: history([create('a'), done], [set('b')], [get, found('b', 1)], [get, found('a', 0)]), ok: false },
    { what: 'an ephemeral znode that goes with its session', steps: history([ephemeral('a', 's'), done], [set('b'), done], [end('s'), done], [get, { kind: 'no-node' }]), ok: true },
    { what: 'an ephemeral znode that stays', steps: history([ephemeral('a', 's'), done], [end('s'), done], [get, found('a', 0)]), ok: false },
    { what: 'an ephemeral znode that goes before its session', steps: history([ephemeral('a', 's'), done], [get, { kind: 'no-node' }], [end('s'), done]), ok: false },
    { what: 'a znode of another session that stays', steps: history([ephemeral('a', 's'), done], [end('other'), done], [get, found('a', 0)]), ok: true },
  ])('$what: $ok', ({ steps, ok }) => expect(linearizable(znodeModel, steps).ok).toBe(ok));
});
