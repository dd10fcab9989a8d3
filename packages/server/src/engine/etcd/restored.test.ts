/** etcd is restored from a backup under running nodes: they notice, list again, and no revision goes back. */

import { afterEach, describe, expect, it } from 'vitest';
import { etcdProblem, startEtcd, type EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { commit, content, read, tryCommit } from '../calls.case.ts';
import type { Engine } from '../engine.ts';
import { backUp, putBack, restoreSnapshot, type Backup } from './backup-of-etcd.case.ts';
import { etcd } from './etcd.ts';

const problem = etcdProblem();
const leftOut = problem === undefined ? '' : ` (left out: ${problem})`;
let cluster: EtcdCluster | undefined;
const engines: Engine[] = [];

async function start(): Promise<EtcdCluster> {
  cluster = await startEtcd();
  return cluster;
}

async function open({ urls }: EtcdCluster): Promise<Engine> {
  const engine = await etcd({ urls });
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await cluster?.stop();
  cluster = undefined;
});

/** Calls until there is a connection again: the one to the restarted member is lost. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries >= 50) throw error;
      await new Promise((next) => setTimeout(next, 100));
    }
  }
}

const put = (engine: Engine, key: string, value: string) => again(() => commit(engine, { put: { [key]: value } }));

describe.skipIf(problem !== undefined)(`engine etcd on a restored etcd${leftOut}`, () => {
  for (const [how, restore] of [
    ['a copy of its data', putBack],
    ['a snapshot', restoreSnapshot],
    ['a snapshot with leaping revisions', (etcds: EtcdCluster, backup: Backup) => restoreSnapshot(etcds, backup, '--bump-revision', '1000', '--mark-compacted')],
  ] as const) {
    it(`from ${how}: revisions continue above all that were shown, and a reader starts again`, async () => {
      const etcds = await start();
      const engine = await open(etcds);
      const first = await commit(engine, { put: { kept: '1' } });
      const backup = await backUp(etcds);
      await put(engine, 'lost', '1');
      let last = 0;
      for (let n = 0; n < 10; n++) last = await commit(engine, { put: { kept: '2' } });
      await restore(etcds, backup);

      // It was decided on a state that is lost.
      const conflict = await again(() => tryCommit(engine, { expect: [{ key: 'kept', revision: last }], put: { kept: '3' } }));
      expect(conflict).toEqual({ ok: false, key: 'kept', revision: first });

      const reader = read(engine, last);
      expect(await reader.nextRecords()).toMatchObject([{ key: 'kept', revision: first }]);
      const caughtUp = await reader.next();
      expect(caughtUp).toMatchObject({ kind: 'caught-up', base: expect.any(Number) as number });
      const { revision, base } = caughtUp as { revision: number; base: number };
      expect(base).toBeGreaterThan(last);
      expect(revision).toBeGreaterThanOrEqual(base);
      await reader.end();
      const next = await tryCommit(engine, { expect: [{ key: 'kept', revision: first }], put: { kept: '3' } });
      expect(next.ok && next.revision).toBeGreaterThan(revision);
      expect(await content(engine)).toEqual({ kept: ['3', next.revision] });

      // A node that comes later gets the same.
      const late = read(await open(etcds));
      await late.until('records');
      expect(await late.next()).toEqual({ kind: 'caught-up', revision: next.revision, base });
      await late.end();
    });
  }

  it('without any loss also makes a reader start again that could have resumed', async () => {
    const etcds = await start();
    const engine = await open(etcds);
    const last = await commit(engine, { put: { a: '1' } });
    const other = await open(etcds);
    const backup = await backUp(etcds);
    const lost = await put(other, 'b', '1');
    await putBack(etcds, backup);
    expect(await again(() => other.barrier())).toBeGreaterThan(lost);
    const reader = read(engine, last);
    expect(await reader.next()).toMatchObject({ kind: 'records', reset: true });
    expect(await reader.next()).toMatchObject({ kind: 'caught-up', base: expect.any(Number) as number });
    await reader.end();
  });

  it('refuses what was decided before, although all that it relied on is as it was', async () => {
    const etcds = await start();
    const engine = await open(etcds);
    const kept = await commit(engine, { put: { kept: '1' } });
    const backup = await backUp(etcds);
    await put(engine, 'lost', '1');
    await putBack(etcds, backup);
    const decided = { expect: [{ key: 'kept', revision: kept }], put: { kept: '2' } };
    expect(await again(() => tryCommit(engine, { ...decided, base: 0 }))).toEqual({ ok: false, key: '', revision: 0 });
    const reader = read(engine);
    await reader.until('records');
    const { base } = (await reader.next()) as { base: number };
    await reader.end();
    expect(await tryCommit(engine, { ...decided, base })).toMatchObject({ ok: true });
  });

  it('gives no revision again that another node may have shown, whichever of them notices it first', async () => {
    const etcds = await start();
    const [ahead, behind] = [await open(etcds), await open(etcds)];
    await commit(ahead, { put: { a: '1' } });
    const backup = await backUp(etcds);
    const seen = await put(behind, 'b', '1');
    let shown = 0;
    for (let n = 0; n < 20; n++) shown = await put(ahead, 'lost', String(n));
    expect(shown).toBeGreaterThan(seen);
    await putBack(etcds, backup);
    expect(await put(behind, 'b', '2')).toBeGreaterThan(shown);
  });

  it('is noticed by a node that had seen more transactions than the node that began the era', async () => {
    const etcds = await start();
    const ahead = await open(etcds);
    const behind = await open(etcds);
    await commit(ahead, { put: { a: '1' } });
    const backup = await backUp(etcds);
    // The node that is behind does not see these.
    let last = 0;
    for (let n = 0; n < 20; n++) last = await put(ahead, 'lost', String(n));
    await putBack(etcds, backup);
    // It continues above the revisions that it has shown, and beyond those that the other one has shown.
    let reused = 0;
    while (reused <= last + 20) reused = await put(behind, 'b', 'x');
    const reader = read(ahead, last);
    expect(await again(() => reader.nextRecords())).toMatchObject([{ key: 'a' }, { key: 'b' }]);
    expect((await reader.next()) as { base?: number }).toMatchObject({ kind: 'caught-up', base: expect.any(Number) as number });
    await reader.end();
    expect(await put(ahead, 'c', '1')).toBeGreaterThan(reused);
    expect(Object.keys(await content(behind)).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('while no node ran makes revisions leap ahead if the cluster is a new one', async () => {
    const etcds = await start();
    const before = await open(etcds);
    const last = await commit(before, { put: { a: '1' } });
    const backup = await backUp(etcds);
    await before.close();
    await restoreSnapshot(etcds, backup, '--initial-cluster-token', 'restored');
    const engine = await open(etcds);
    expect(await engine.barrier()).toBeGreaterThan(last + 1_000_000_000);
    expect(await content(engine)).toEqual({ a: ['1', last] });
  });

  it('from a copy of its data while no node ran makes revisions leap ahead if the operator says so', async () => {
    const etcds = await start();
    const before = await open(etcds);
    const kept = await commit(before, { put: { a: '1' } });
    const backup = await backUp(etcds);
    const lost = await put(before, 'b', '1');
    await before.close();
    await putBack(etcds, backup);
    const engine = await etcd({ urls: etcds.urls, restored: true });
    engines.push(engine);
    const reader = read(engine, lost);
    expect(await reader.nextRecords()).toMatchObject([{ key: 'a', revision: kept }]);
    const { base } = (await reader.next()) as { base: number };
    expect(base).toBeGreaterThan(lost + 1_000_000_000);
    await reader.end();
    // A node that starts later needs no option.
    expect(await put(await open(etcds), 'c', '1')).toBeGreaterThan(base);
  });

  it('that goes back behind an earlier restore works, too', async () => {
    const etcds = await start();
    const engine = await open(etcds);
    await commit(engine, { put: { a: '1' } });
    const backup = await backUp(etcds);
    let last = 0;
    for (let round = 1; round <= 2; round++) {
      for (let n = 0; n < 5; n++) {
        const revision = await put(engine, 'a', `${round}.${n}`);
        expect(revision).toBeGreaterThan(last);
        last = revision;
      }
      await putBack(etcds, backup);
    }
    expect(await put(engine, 'a', 'end')).toBeGreaterThan(last);
  });
});
