/** Which losses freeze expiry, in fleets of several sizes, and how a freeze begins, lasts and ends. */

import { describe, expect, it } from 'vitest';
import { Census, Tally, type Stake, type Standing } from './census.ts';
import { freezeMsMax, isMassLoss, SelfPreservation, type Loss, type Rest } from './self-preservation.ts';

const services = ['a', 'b', 'c', 'd', 'e'];
const instancesEach = 2;

/** Hosts that each run one process of five services, with two instances; each host has a different address. */
function fleet(hosts: number) {
  const census = new Census();
  const stakes: Stake[] = [];
  const enter = (standing: Standing) => {
    const stake = census.enter(standing);
    stakes.push(stake);
    return stake;
  };
  for (let host = 0; host < hosts; host++) {
    for (const service of services) enter({ node: `host${host}`, services: [service], principal: `address ${host}` });
  }
  return {
    enter,
    lose: (lost: (stake: Stake, index: number) => boolean): Loss => {
      const tally = new Tally(census);
      const gone = stakes.filter(lost);
      for (const stake of gone) tally.add(stake);
      return tally.loss((counts) => Math.min(10, gone.filter(counts).length * instancesEach));
    },
  };
}

const hostOf = ({ node }: Stake) => Number(node.name.replace(/^host/, ''));

const sizes = [1, 2, 3, 5, 10, 100, 1_000] as const;

/** Losses, and the fleets of `sizes` in which each freezes expiry. */
const scenarios: readonly (readonly [what: string, lose: (hosts: number) => Loss, freezes: readonly number[]])[] = [
  ['one process', (hosts) => fleet(hosts).lose((_stake, index) => index === 0), []],
  ['one service on all hosts', (hosts) => fleet(hosts).lose((stake) => stake.services.some(({ name }) => name === 'a')), []],
  ['one host', (hosts) => fleet(hosts).lose((stake) => hostOf(stake) === 0), []],
  [
    'one principal with 8 streams of 2 instances on a separate host',
    (hosts) => {
      const { enter, lose } = fleet(hosts);
      const own = Array.from({ length: 8 }, () => enter({ node: 'x', services: ['x'], principal: 'token x' }));
      return lose((stake) => own.includes(stake));
    },
    [],
  ],
  [
    'one principal that names 500 nodes and 500 services',
    (hosts) => {
      const { enter, lose } = fleet(hosts);
      const own = Array.from({ length: 500 }, (_, at) => enter({ node: `x${at}`, services: [`x${at}`], principal: 'token x' }));
      return lose((stake) => own.includes(stake));
    },
    [],
  ],
  [
    'the same, and a process on each of two hosts',
    (hosts) => {
      const { enter, lose } = fleet(hosts);
      const own = Array.from({ length: 500 }, (_, at) => enter({ node: `x${at}`, services: [`x${at}`], principal: 'token x' }));
      return lose((stake, index) => own.includes(stake) || index === 0 || index === 9);
    },
    [],
  ],
  [
    'one node that many principals use',
    (hosts) => {
      const { enter, lose } = fleet(hosts);
      const own = services.flatMap((service) =>
        Array.from({ length: 100 }, (_, at) => enter({ node: 'x', services: [service], principal: `token ${at}` })),
      );
      return lose((stake) => own.includes(stake));
    },
    [],
  ],
  ['20 % of the hosts', (hosts) => fleet(hosts).lose((stake) => hostOf(stake) < Math.max(1, hosts / 5)), [100, 1_000]],
  ['15 % of the hosts', (hosts) => fleet(hosts).lose((stake) => hostOf(stake) < Math.max(1, hosts * 0.15)), []],
  ['30 % of the hosts', (hosts) => fleet(hosts).lose((stake) => hostOf(stake) < Math.max(1, hosts * 0.3)), [5, 10, 100, 1_000]],
  ['all but one host', (hosts) => fleet(hosts).lose((stake) => hostOf(stake) > 0), [3, 5, 10, 100, 1_000]],
  ['everything', (hosts) => fleet(hosts).lose(() => true), [2, 3, 5, 10, 100, 1_000]],
];

describe.each(scenarios)('the loss of %s', (_what, lose, freezes) => {
  it.each(sizes)('in a fleet of %i', (hosts) => {
    expect(isMassLoss(lose(hosts))).toBe(freezes.includes(hosts));
  });
});

describe('in a fleet whose hosts share a token, run one service, or run every service in each process,', () => {
  it.each([
    ['one token', (host: number): Standing[] => services.map((service) => ({ node: `host${host}`, services: [service], principal: 'token' }))],
    ['one service', (host: number): Standing[] => services.map(() => ({ node: `host${host}`, services: ['a'], principal: `address ${host}` }))],
    ['all services', (host: number): Standing[] => services.map(() => ({ node: `host${host}`, services, principal: `address ${host}` }))],
    ['locks only', (host: number): Standing[] => services.map(() => ({ node: `host${host}`, services: [], principal: undefined }))],
  ])('a cut freezes expiry: %s', (_what, standings) => {
    const { enter, lose } = fleet(0);
    for (let host = 0; host < 20; host++) standings(host).forEach(enter);
    expect(isMassLoss(lose((stake) => hostOf(stake) < 10))).toBe(true);
    expect(isMassLoss(lose((stake) => hostOf(stake) < 3))).toBe(false);
  });
});

describe('the limits of a loss, without the group that lost most:', () => {
  const large: Rest = { groups: 100, groupsLost: 16, leases: 100, leasesLost: 16, instancesLost: 10 };
  const loss: Loss = { machines: 2, nodes: large, services: large, principals: large };
  it.each([
    ['just over', {}, true],
    ['nine instances', { instancesLost: 9 }, false],
    ['15 % of the leases', { leasesLost: 15 }, false],
    ['15 % of the groups', { groupsLost: 15 }, false],
  ])('%s', (_what, change, expected) => {
    for (const kind of ['nodes', 'services', 'principals'] as const) {
      // The number of services does not count: a fleet may have few of them.
      const ignored = kind === 'services' && 'groupsLost' in change;
      expect(isMassLoss({ ...loss, [kind]: { ...large, ...change } })).toBe(expected || ignored);
    }
    expect(isMassLoss({ ...loss, machines: 1 })).toBe(false);
  });
});

describe('a freeze', () => {
  const small = fleet(100).lose((stake) => hostOf(stake) < 10);
  const mass = fleet(100).lose((stake) => hostOf(stake) < 20);
  const none = () => small;

  it('begins with a mass loss, and ends when enough are back', () => {
    const preservation = new SelfPreservation();
    expect(preservation.decide(small, none, 0)).toBe('expire');
    expect(preservation.decide(mass, none, 1_000)).toBe('freeze');
    expect(preservation.frozen).toBe(true);
    expect(preservation.decide(mass, none, 600_000)).toBe('hold');
    expect(preservation.decide(small, none, 601_000)).toBe('thaw');
    expect(preservation.frozen).toBe(false);
    expect(preservation.decide(small, none, 602_000)).toBe('expire');
  });

  it('ends by itself after its time, even if many are missing', () => {
    const preservation = new SelfPreservation();
    preservation.decide(mass, none, 5_000);
    expect(preservation.untilMs).toBe(5_000 + freezeMsMax);
    expect(preservation.decide(mass, none, 5_000 + freezeMsMax - 1)).toBe('hold');
    expect(preservation.decide(mass, none, 5_000 + freezeMsMax)).toBe('release');
    expect(preservation.frozen).toBe(false);
  });

  it('lasts longer only by a further mass loss', () => {
    const preservation = new SelfPreservation();
    preservation.decide(mass, none, 0);
    expect(preservation.decide(mass, () => mass, 60_000)).toBe('extend');
    for (let now = 61_000; now < 60_000 + freezeMsMax; now += 60_000) expect(preservation.decide(mass, () => small, now)).toBe('hold');
    expect(preservation.decide(mass, () => small, 60_000 + freezeMsMax)).toBe('release');
  });

  it('is ended by an operator', () => {
    const preservation = new SelfPreservation();
    preservation.decide(mass, none, 0);
    preservation.override();
    expect(preservation.frozen).toBe(false);
    expect(preservation.decide(small, none, 200)).toBe('expire');
  });
});

describe('the census', () => {
  it('drops empty groups, and names the causes with the largest losses', () => {
    const census = new Census();
    const stakes = Array.from({ length: 20 }, (_, at) =>
      census.enter({ node: `n${at % 7}`, services: ['s', `s${at}`], principal: at < 15 ? 'token t' : undefined }),
    );
    expect([census.leases, census.serviceLeases, census.nodes.size, census.services.size]).toEqual([20, 40, 7, 21]);
    const tally = new Tally(census);
    for (const stake of stakes.slice(0, 10)) tally.add(stake);
    const { nodes, services: lost, principals } = tally.causes();
    expect(nodes.map(({ name }) => name)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
    expect(nodes[0]).toEqual({ name: 'n0', lost: 2, of: 3, share: 0.2 });
    expect(lost[0]).toEqual({ name: 's', lost: 10, of: 20, share: 1 });
    expect(principals).toEqual([{ name: 'token t', lost: 10, of: 15, share: 1 }]);
    for (const stake of stakes.slice(0, 10)) tally.remove(stake);
    expect([tally.leases, tally.causes()]).toEqual([0, { nodes: [], services: [], principals: [] }]);
    for (const stake of stakes) census.leave(stake);
    expect([census.leases, census.serviceLeases, census.nodes.size, census.services.size, census.principals.size]).toEqual([0, 0, 0, 0, 0]);
  });
});
