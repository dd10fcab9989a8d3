import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Eras, type Era } from './eras.ts';

const eras = (...list: Partial<Era>[]) => new Eras(list.map((era) => ({ from: 1, offset: 0, cluster: 'c', ...era })));

describe('eras', () => {
  const two = eras({}, { from: 601, offset: 400, restored: true });

  it.each([
    [0, 0],
    [1, 1],
    [600, 600],
    [601, 1_001],
    [602, 1_002],
  ])('convert revision %i of etcd to %i of the registry, and back', (etcd, ours) => {
    expect(two.ours(etcd)).toBe(ours);
    expect(two.etcds(ours)).toBe(etcd);
  });

  it('have no transaction at lost revisions, and find the newest one before them', () => {
    for (const lost of [601, 700, 1_000]) {
      expect(two.etcds(lost)).toBeUndefined();
      expect(two.etcdsUpTo(lost)).toBe(600);
    }
  });

  it('have a base once etcd has gone back', () => {
    expect(eras({}).base).toBe(0);
    expect(eras({}, { from: 9, offset: 1_000 }).base).toBe(0);
    expect(two.base).toBe(1_001);
    expect(eras({}, { from: 601, offset: 400, restored: true }, { from: 700, offset: 5_000 }).base).toBe(1_001);
  });

  it('begin at the demanded revision, with an offset that never shrinks', () => {
    expect(two.with({ from: 610, ours: 9_000, cluster: 'c' }).ours(610)).toBe(9_000);
    // Revisions of etcd have leapt ahead: the offset would be negative.
    expect(two.with({ from: 1_000_000, ours: 1_100, cluster: 'd' }).last).toEqual({ from: 1_000_000, offset: 400, cluster: 'd' });
  });

  it('are read as they were written, and other bytes are refused', () => {
    expect(Eras.parse(two.encode()).list).toEqual(two.list);
    expect(() => Eras.parse(Buffer.from('{}'))).toThrow(/format undefined/);
    expect(() => Eras.parse(Buffer.from('{"format":2,"eras":[]}'))).toThrow(/use a newer Rollcall/);
    expect(() => Eras.parse(Buffer.from('x'))).toThrow(/changed by hand/);
  });

  it('keep the order of revisions and use each only once, for any eras', () => {
    const step = fc.record({ after: fc.integer({ min: 1, max: 50 }), ahead: fc.integer({ min: 0, max: 500 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        let all = Eras.first('c');
        let etcd = 1;
        let last = 1;
        for (const { after, ahead } of steps) {
          etcd += after;
          last = Math.max(last, all.ours(etcd - 1)) + ahead;
          all = all.with({ from: etcd, ours: last + 1, cluster: 'c' });
        }
        let before = 0;
        for (let revision = 1; revision <= etcd + 20; revision++) {
          const ours = all.ours(revision);
          expect(ours).toBeGreaterThan(before);
          expect(all.etcds(ours)).toBe(revision);
          if (ours > before + 1) expect(all.etcds(ours - 1)).toBeUndefined();
          before = ours;
        }
      }),
    );
  });
});
