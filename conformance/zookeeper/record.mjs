/**
 * Writes down what the programs with kazoo and Curator print with a real ZooKeeper: `transcripts/`, with which the tests compare Rollcall.
 *
 *   node conformance/zookeeper/record.mjs
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCurator, runKazoo } from './programs.mjs';
import { startRealZooKeeper } from './start.mjs';

const folder = fileURLToPath(new URL('transcripts', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [library, run] of Object.entries({ kazoo: runKazoo, curator: runCurator })) {
  const zookeeper = await startRealZooKeeper({ tickMs: 500 });
  const parts = await run(zookeeper.address);
  writeFileSync(`${folder}/${library}.txt`, Object.entries(parts).map(([name, lines]) => `== ${name}\n${lines.join('\n')}\n`).join(''));
  await zookeeper.stop();
}
