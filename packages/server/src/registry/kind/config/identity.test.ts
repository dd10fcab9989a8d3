/** Which instance a client is that says only its address, and which release of a rollout it gets therefore. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { findNode, instancesOfService } from '../catalog/find.ts';
import type { ConfigPublish } from './commands.ts';
import { fillPlaces } from './fill-places.case.ts';
import { findConfig, stagedRollout } from './find.ts';
import { givenTo, type ConfigReader } from './given.ts';
import type { InstanceAddresses } from './instance-addresses.ts';
import { instanceName } from './instance-name.ts';
import type { RolloutPlan, RolloutRule } from './rows.ts';

const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };
const ofNode = '10.0.0.1';

interface Given {
  readonly id?: string;
  readonly service?: string;
  /** Of the instance; empty: it has that of its node. */
  readonly address?: string;
  readonly nodeAddress?: string;
  readonly status?: 'passing' | 'critical';
  readonly meta?: Record<string, string>;
}

function register(node: string, { id = 'shop', service = 'shop', address = '', nodeAddress = ofNode, status = 'passing', meta = {} }: Given = {}): Command {
  return {
    ...{ kind: 'register', namespace: 'default', node: { name: node, address: nodeAddress }, nodeMode: 'update' },
    instances: [{ id, service, address, meta }],
    checks: [{ id: `c-${id}`, name: 'c', instance: id, status }],
  } as Command;
}

const leave = (node: string, id = 'shop'): Command => ({ kind: 'deregister-instance', namespace: 'default', node, id });

function rollOut(plan: RolloutPlan | undefined, rule?: RolloutRule): Command {
  const publish = (content: string, more: Partial<ConfigPublish>): Command => ({ kind: 'config-publish', ...ref, content: Buffer.from(content), md5: content, hash: content, ...more });
  return publish('new', { rollout: { name: 'next', priority: 0, ...(plan === undefined ? {} : { plan }), ...(rule === undefined ? {} : { rule }) } });
}

function committed(...commands: Command[]): Journal {
  const journal = new Journal();
  const first: Command = { kind: 'config-publish', ...ref, content: Buffer.from('old'), md5: 'old', hash: 'old' };
  for (const outcome of journal.commit([first, ...commands]).outcomes) if ('error' in outcome) throw outcome.error;
  fillPlaces(journal, ref);
  return journal;
}

const gets = ({ state }: Journal, reader: ConfigReader) => {
  const row = findConfig(state, ref);
  return row && givenTo(state, row, reader)?.md5;
};
const count = (many: number): RolloutPlan => ({ stages: [{ count: many, bakeMs: 1_000 }] });
const percent = (share: number): RolloutPlan => ({ stages: [{ percent: share, bakeMs: 1_000 }] });

describe('a client that says only its address', () => {
  it('has the place of the instance there, its own address or that of its node', () => {
    const journal = committed(register('a', { address: '10.1.0.1' }), register('b', { nodeAddress: '10.1.0.2' }), register('c', { address: '10.1.0.3' }), rollOut(count(2)));
    const places = stagedRollout(findConfig(journal.state, ref))?.staged.assigned ?? [];
    const addresses = ['10.1.0.1', '10.1.0.2', '10.1.0.3'];
    expect(addresses.filter((address) => gets(journal, { address }) === 'new')).toEqual(addresses.filter((_, at) => places.includes(`${'abc'[at]}/shop`)));
    expect([places.length, gets(journal, { address: '10.1.0.4' }), gets(journal, {})]).toEqual([2, 'old', 'old']);
  });

  it('has the share of the instance there, so that alarms count what clients have', () => {
    const nodes = Array.from({ length: 100 }, (_, at) => `n${at}`);
    const journal = committed(...nodes.map((node, at) => register(node, { address: `10.1.0.${at}` })), rollOut(percent(30)));
    const byAddress = nodes.filter((_, at) => gets(journal, { address: `10.1.0.${at}` }) === 'new');
    expect(byAddress).toEqual(nodes.filter((node) => gets(journal, { instance: `${node}/shop` }) === 'new'));
    expect(byAddress.length).toBeGreaterThan(15);
  });

  it('has the labels of the instance there, below its own', () => {
    const journal = committed(register('a', { address: '10.1.0.1', meta: { ring: 'beta' } }), rollOut(undefined, { kind: 'label', label: 'ring', values: ['beta'] }));
    expect([gets(journal, { address: '10.1.0.1' }), gets(journal, { address: '10.1.0.1', labels: { ring: 'stable' } }), gets(journal, { address: '10.1.0.2' })]).toEqual(['new', 'old', 'old']);
  });

  it('is named by a rule for the instance there', () => {
    const journal = committed(register('a', { address: '10.1.0.1' }), rollOut(undefined, { kind: 'instance', instances: ['a/shop'] }));
    expect([gets(journal, { address: '10.1.0.1' }), gets(journal, { address: ofNode })]).toEqual(['new', 'old']);
  });

  it('is looked for among the instances that the rollout counts', () => {
    const journal = committed(register('a', { service: 'shop-v2', address: '10.1.0.1' }), register('b', { address: '10.1.0.1' }), rollOut({ ...count(1), service: 'shop-v2' }));
    expect(gets(journal, { address: '10.1.0.1' })).toBe('new');
  });

  it('has a place only when all instances at its address have one, and a share by its address', () => {
    const journal = committed(register('a', { address: '10.1.0.1' }), register('b', { address: '10.1.0.1' }), rollOut(count(1)));
    expect(gets(journal, { address: '10.1.0.1' })).toBe('old');
    const all = committed(register('a', { address: '10.1.0.1' }), register('b', { address: '10.1.0.1' }), rollOut(count(2)));
    expect(gets(all, { address: '10.1.0.1' })).toBe('new');
    const shares = Array.from({ length: 100 }, (_, at) => `10.2.0.${at}`);
    const shared = committed(...shares.flatMap((address) => [register('a', { id: `1-${address}`, address }), register('b', { id: `2-${address}`, address })]), rollOut(percent(30)));
    const unknown = committed(rollOut(percent(30)));
    expect(shares.map((address) => gets(shared, { address }))).toEqual(shares.map((address) => gets(unknown, { address })));
  });

  it('is the live one of two instances at its address, and a dead one that is alone there', () => {
    const journal = committed(register('dead', { address: '10.1.0.1', status: 'critical' }), register('live', { address: '10.1.0.1' }), rollOut(undefined, { kind: 'instance', instances: ['live/shop'] }));
    expect(gets(journal, { address: '10.1.0.1' })).toBe('new');
    journal.commit([leave('live')]);
    expect(gets(journal, { address: '10.1.0.1' })).toBe('old');
    journal.commit([rollOut(undefined, { kind: 'instance', instances: ['dead/shop'] })]);
    expect(gets(journal, { address: '10.1.0.1' })).toBe('new');
  });
});

it('the instances at an address are those of the rows, after any changes', () => {
  const address = fc.constantFrom('', '10.1.0.1', '10.1.0.2');
  const change = fc.record({ node: fc.constantFrom('a', 'b'), id: fc.constantFrom('1', '2'), service: fc.constantFrom('shop', 'other'), address, nodeAddress: fc.constantFrom('10.1.0.1', '10.1.0.3'), gone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const journal = new Journal();
      for (const { node, gone, ...given } of changes) {
        journal.commit([gone ? leave(node, given.id) : register(node, given)]);
        const { state } = journal;
        for (const at of ['10.1.0.1', '10.1.0.2', '10.1.0.3']) {
          const found = (state.index('config') as InstanceAddresses).at(state, 'default', 'shop', at).map(instanceName).sort();
          const all = [...instancesOfService(state, 'default', 'shop')].filter((row) => (row.address === '' ? findNode(state, row.node)?.address : row.address) === at);
          expect(found).toEqual(all.map(instanceName).sort());
        }
      }
    }),
    { numRuns: 50 },
  );
});
