/**
 * The process that `kill.test.ts` kills: restores one registry after the other and says which was acknowledged.
 *
 *   node kill-restorer.mjs DIR FIRST
 *
 * Registry N has the same keys as all others and a unique one, and every value says N.
 */

import { writeSync } from 'node:fs';
import { embedded } from '../../dist/engine/embedded/embedded.js';
import { restoreTransaction } from '../../dist/backup/restore.js';
import { Replica } from '../../dist/replica.js';
import { encodeRow } from '../../dist/registry/kinds.js';

const [dir, first] = process.argv.slice(2);
const many = 12_000;
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const onFatal = (error) => { throw error; };
const replica = new Replica({ engine: await embedded({ dir }), clock, onFatal });
await replica.start();
for (let number = Number(first); ; number++) {
  const row = (key) => ({ kind: 'kv', namespace: 'default', key, value: Buffer.from(`value ${number}`), flags: 0n, lockIndex: 0, created: 0, modified: 0 });
  const names = [...Array.from({ length: many }, (_, n) => `k${n}`), `only-${number}`];
  const records = names.map((key) => ({ key: `kv\0default\0${key}`, value: encodeRow(row(key)) }));
  writeSync(1, `begin ${number}\n`);
  await replica.replace((state) => restoreTransaction({ revision: 1, records }, state));
  writeSync(1, `ack ${number} ${replica.state.revision}\n`);
}
