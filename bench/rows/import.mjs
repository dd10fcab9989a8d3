/** Importing the client, as every process that uses it does at its start. */

import { execFileSync } from 'node:child_process';
import { median, withSpread } from '../statistics.mjs';

const msMax = 120;
const packages = ['@rollcall/client', '@grpc/grpc-js', 'consul'];

export const row = {
  what: 'importing `@rollcall/client` in a fresh process',
  target: `≤ ${msMax} ms`,
  async run({ quick }) {
    const rounds = quick ? 7 : 31;
    const imports = new Map(packages.map((name) => [name, []]));
    const starts = [];
    // The first start of each variant reads its files from the disk.
    for (const name of packages) importMs(name);
    for (let round = 0; round < rounds; round++) {
      starts.push(startMs());
      for (const [name, took] of imports) took.push(importMs(name));
    }
    const took = imports.get('@rollcall/client');
    const others = packages.slice(1).map((name) => `${name} ${withSpread(imports.get(name), 0)} ms`);
    return {
      measured: `${withSpread(took, 0)} ms`,
      floor: `${withSpread(starts, 0)} ms to start Node`,
      result: `${median(took).toFixed(0)} ms`,
      met: median(took) <= msMax,
      detail: `median of ${rounds} processes, each in turn with \`node -e 0\` (the floor, all of the process) and imports of ${others.join(' and ')}`,
    };
  },
};

/** From the start of the import to its end, without the start of Node. */
function importMs(name) {
  const program = `const start = performance.now(); await import('${name}'); console.log(performance.now() - start);`;
  return Number(run(['--input-type=module', '-e', program]));
}

function startMs() {
  const start = performance.now();
  run(['-e', '0']);
  return performance.now() - start;
}

function run(args) {
  return execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' });
}
