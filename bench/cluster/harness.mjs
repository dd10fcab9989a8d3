/** The harness of `conformance/cluster` for benchmarks: its sources are TypeScript, which Vite loads, as for the tests. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const { module } = await runnerImport(fileURLToPath(new URL('harness.ts', import.meta.url)), { configFile: false, logLevel: 'error' });

export const { run, judge, settleMs, together, History, leaderOf } = module;

/** Runs an action on nodes over etcd, and stops all of them after it. */
export async function onEtcd(options, action) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  let cluster;
  try {
    cluster = await module.onEtcd(folder, options);
    return await action(cluster, folder);
  } finally {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
