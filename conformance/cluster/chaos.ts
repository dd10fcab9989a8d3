/** The command `npm run chaos`: its options, one run, and its output. */

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { olderCommit } from './build-older.mjs';
import type { Deployment } from './deployment.ts';
import { onEtcd } from './deploy/on-etcd.ts';
import { single } from './deploy/single.ts';
import { smallDisk } from './deploy/small-disk.ts';
import { twoVersions } from './deploy/two-versions.ts';
import { History } from './history.ts';
import { judge } from './judge.ts';
import { allParts, run, settleMs, together, type Part } from './run.ts';

const deployments: Readonly<Record<string, (folder: string, older: string) => Promise<Deployment>>> = {
  single: (folder) => single(folder),
  etcd: (folder) => onEtcd(folder, { clocks: true, partitions: true }),
  'etcd-restored': (folder) => onEtcd(folder, { clocks: true, partitions: true, restores: true }),
  'small-disk': (folder) => smallDisk(folder),
  'two-versions': twoVersions,
};

export async function main(args: readonly string[], print: (line: string) => void): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      deployment: { type: 'string', default: 'single' },
      folder: { type: 'string' },
      parts: { type: 'string', default: allParts.join() },
      faults: { type: 'string', default: '' },
      older: { type: 'string', default: olderCommit },
      slower: { type: 'string', default: '1' },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const runMs = Number(values.minutes) * 60_000;
  const deploy = deployments[values.deployment];
  if (!Number.isSafeInteger(seed) || !(runMs > 0) || deploy === undefined) {
    print(`--seed takes an integer, --minutes a number above 0, --deployment one of ${Object.keys(deployments).join(', ')}`);
    return 2;
  }
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'rollcall-chaos-'));
  mkdirSync(folder, { recursive: true });
  print(`seed ${seed}, ${values.minutes} min, ${values.deployment}; logs and history in ${folder}`);
  const history = new History(join(folder, 'history.jsonl'));
  const deployment = await deploy(folder, values.older);
  try {
    const faults = deployment.faults.filter(({ name }) => new RegExp(values.faults).test(name));
    const parts = values.parts.split(',') as Part[];
    await run({ ...deployment, faults }, history, { seed, runMs, parts, slower: Number(values.slower), tell: print });
  } finally {
    await deployment.close();
  }
  const { breaches, counts } = judge(history.events, { settleMs, together });
  print(`judged: ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ')}`);
  for (const [what, texts] of Object.entries(breaches)) {
    print(`BROKEN ${what}: ${texts.length} breaches`);
    for (const text of texts.slice(0, 10)) print(`  ${text}`);
  }
  if (Object.keys(breaches).length === 0) print('no promise was broken');
  else print(`again: npm run chaos -- --minutes ${values.minutes} --seed ${seed} --deployment ${values.deployment}`);
  return Object.keys(breaches).length === 0 ? 0 : 1;
}
