/**
 * `npm start`: a registry from a fresh clone, with nothing but Node and npm on the machine. Installs
 * and builds what is missing or out of date, then becomes `rollcall serve`.
 *
 *   npm start                 a registry on 127.0.0.1:8500, its data in ./data
 *   npm start -- --dev        arguments go to `rollcall serve`
 *
 * The registry runs in this very process, so signals and the exit code are its own.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, install, nodeProblem, root } from './prepare.mjs';

const problem = nodeProblem();
if (problem !== '') fail(problem);
if (!install()) fail('npm ci failed, see above; is the npm registry reachable?');
console.log('building: tsc -b');
if (!build()) fail('the build failed, see above');
console.log('starting: rollcall serve\n');

const command = join(root, 'packages/cli/bin/rollcall.mjs');
process.argv = [process.execPath, command, 'serve', ...process.argv.slice(2)];
await import(pathToFileURL(command).href);

function fail(reason) {
  console.error(`npm start: ${reason}`);
  process.exit(1);
}
