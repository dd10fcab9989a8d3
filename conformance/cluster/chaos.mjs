/**
 * Runs a deployment of Rollcall under a workload and faults, and judges what its clients saw. The seed decides the schedule of faults and
 * operations; a seed that fails is run again with the same command. Ends with 0 when no promise was broken.
 *
 *   npm run chaos -- [--minutes 1] [--seed N] [--deployment single] [--older COMMIT] [--folder DIR] [--parts keys,locks,…] [--faults PATTERN]
 *
 * The sources of the harness are TypeScript, which Node 20 cannot read: Vite, which the tests use, loads them.
 */

import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const { module } = await runnerImport(fileURLToPath(new URL('chaos.ts', import.meta.url)), { configFile: false, logLevel: 'error' });
process.exitCode = await module.main(process.argv.slice(2), (line) => console.log(line));
