/** `?near` orders answers by stored coordinates, as Consul 1.16 was seen to do it. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start();
  for (const id of [1, 2, 3, 4]) {
    await consul.put('/v1/catalog/register', {
      Node: `n${id}`,
      Address: `10.0.0.${id}`,
      Service: { ID: `db${id}`, Service: 'db', Port: 1 },
      Check: { Name: 'c', CheckID: `c${id}`, ServiceID: `db${id}`, Status: 'passing' },
    });
  }
  await place('n1', 0.05);
  await place('n2', 0.01);
  // Adjustments that make less than nothing of a way do not count.
  await place('n3', 0.02, -0.5);
});
afterEach(() => consul[Symbol.asyncDispose]());

function place(Node: string, first: number, Adjustment = 0) {
  const Coord = { Vec: [first, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment, Height: 0.00001 };
  return consul.put('/v1/coordinate/update', { Node, Coord });
}

type Entry = { Node: string | { Node: string } };

const nodesOf = (entries: Entry[]) =>
  entries
    .map(({ Node }) => (typeof Node === 'string' ? Node : Node.Node))
    .filter((name) => /^n\d$/.test(name))
    .join(' ');

const order = async (path: string) => nodesOf((await consul.get(path)).json<Entry[]>());

describe.each(['catalog/nodes', 'catalog/service/db', 'health/service/db', 'health/checks/db', 'health/state/any'])(
  '%s',
  (path) => {
    test.each([
      ['n1', 'n1 n3 n2 n4'],
      ['n2', 'n2 n3 n1 n4'],
      ['n3', 'n3 n2 n1 n4'],
      // Nothing is known of these: no order but the usual.
      ['n4', 'n1 n2 n3 n4'],
      ['nope', 'n1 n2 n3 n4'],
      ['_ip', 'n1 n2 n3 n4'],
    ])('near %s: %s', async (near, wanted) => {
      expect(await order(`/v1/${path}?near=${near}`)).toBe(wanted);
      expect(await order(`/v1/${path}`)).toBe('n1 n2 n3 n4');
    });

    test('near _agent: the node of the caller', async () => {
      const from = async (node: string) =>
        nodesOf((await consul.get(`/v1/${path}?near=_agent`, { headers: { 'X-Rollcall-Node': node } })).json());
      expect([await from('n1'), await from('n3'), await from('n1')]).toEqual(['n1 n3 n2 n4', 'n3 n2 n1 n4', 'n1 n3 n2 n4']);
    });

    test('follows changed coordinates, though they do not change the content', async () => {
      const before = await consul.get(`/v1/${path}?near=n1`);
      await place('n2', 0.05);
      const after = await consul.get(`/v1/${path}?near=n1`);
      expect(nodesOf(after.json())).toBe('n1 n2 n3 n4');
      expect(after.index).toBe(before.index);
    });
  },
);

describe('a prepared query', () => {
  const create = (body: object) => consul.ask('POST', '/v1/query', { body: JSON.stringify(body) });
  const executed = async (path: string, headers = {}) =>
    nodesOf((await consul.get(`/v1/query/${path}`, { headers })).json<{ Nodes: Entry[] }>().Nodes);

  test('sorts by distance from its own node or that of the request', async () => {
    await create({ Name: 'near', Service: { Service: 'db', Near: 'n1' } });
    expect(await executed('near/execute')).toBe('n1 n3 n2 n4');
    expect(await executed('near/execute?limit=2')).toBe('n1 n3');
    expect(await executed('near/execute?near=n2')).toBe('n2 n3 n1 n4');
  });

  test('takes _agent for the node of the caller and _ip for the node with its address', async () => {
    await create({ Name: 'agent', Service: { Service: 'db', Near: '_agent' } });
    expect(await executed('agent/execute', { 'X-Rollcall-Node': 'n3' })).toBe('n3 n2 n1 n4');
    expect(await executed('agent/execute?near=_ip', { 'X-Forwarded-For': '10.0.0.2, 10.9.9.9' })).toBe('n2 n3 n1 n4');
  });

  test('is in random order if the node has no coordinates', async () => {
    await create({ Name: 'any', Service: { Service: 'db', Near: 'n4' } });
    const orders = new Set<string>();
    // All 64 draws of four are alike once in 24^63 runs.
    for (let run = 0; run < 64; run++) orders.add(await executed('any/execute'));
    expect(orders.size).toBeGreaterThan(1);
  });
});
