/**
 * The process that `kill.test.ts` kills: commits as fast as it can and prints each acknowledgement.
 *
 *   node kill-writer.mjs DIR RUN BUG LOG_BYTES
 *
 * Four writers have three transactions under way each. Transaction N of a writer puts records that
 * only it has and removes those of transaction N - 30. Its line is written only after its commit
 * resolved, and synchronously: every line that the parent has read was acknowledged.
 *
 * BUG makes the test itself testable: `early` acknowledges before the commit, `torn` commits a
 * transaction's records in two halves, `none` does neither.
 */

import { writeSync } from 'node:fs';
import { embedded } from '../../../dist/engine/embedded/embedded.js';
import { kept, partsOf, recordOf } from './kill-records.mjs';

const [dir, run, bug, logBytes] = process.argv.slice(2);
const engine = await embedded({ dir, logBytes: Number(logBytes) });
writeSync(1, `ready ${await engine.barrier()}\n`);

for (let writer = 0; writer < 4; writer++) {
  let number = 0;
  const next = async () => {
    for (;;) {
      const mine = number++;
      const put = records(writer, mine);
      const removed = mine >= kept ? records(writer, mine - kept).map(({ key }) => key) : [];
      if (bug === 'early') writeSync(1, `ack ${writer} ${mine} unknown\n`);
      if (bug === 'torn') await engine.commit({ expect: [], put: put.slice(0, 1), delete: [] });
      const { ok, revision } = await engine.commit({
        // A record that only this transaction makes cannot be there yet.
        expect: [{ key: put[0].key, revision: bug === 'torn' ? await engine.barrier() : 0 }],
        put: bug === 'torn' ? put.slice(1) : put,
        delete: removed,
      });
      if (!ok && bug === 'none') throw new Error(`transaction ${mine} of writer ${writer} was there already`);
      if (bug !== 'early') writeSync(1, `ack ${writer} ${mine} ${revision}\n`);
    }
  };
  void next();
  void next();
  void next();
}

function records(writer, number) {
  return Array.from({ length: partsOf(number) }, (_, part) => recordOf(run, writer, number, part));
}
