/**
 * The tests of Consul's own client for Go (`github.com/hashicorp/consul/api`), unmodified. Each starts a
 * `consul` that it finds in `PATH`: it is `bin/consul` here, which is Rollcall. Not part of `npm test`,
 * since it needs Go and its downloads.
 *
 *   node conformance/consul/go-api.mjs [pattern of test names]
 *
 * It needs the built project, Go 1.22 or newer, and a module proxy that can be reached; Go's checksum
 * database vouches for the sources. Tests of the service mesh and of peering are not run, since there are none; namespaces
 * have a separate test (`go-namespaces.mjs`). Ends with 0 when every other test passes but those of `go-api.json`, which must fail.
 */

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const module = 'github.com/hashicorp/consul/api@v1.29.4';
const notHere = /ConfigEntr|Connect|Peering|Discovery|Namespace|Intention|Partition/;
/** Each test gives its server two seconds to answer; more tests at once would be too many for small machines. */
const atOnce = 2;
const patienceMs = 90_000;

/** Names of tests that cannot pass, by reason. */
const exceptions = JSON.parse(readFileSync(new URL('go-api.json', import.meta.url), 'utf8'));
const reasons = new Map(Object.entries(exceptions).flatMap(([reason, names]) => names.map((name) => [name, reason])));

const folder = mkdtempSync(join(tmpdir(), 'rollcall-go-api-'));
try {
  process.exitCode = await main(new RegExp(process.argv[2] ?? ''));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(wanted) {
  const { Dir: source } = JSON.parse(run('go', ['mod', 'download', '-json', module]));
  const suite = join(folder, 'api');
  // The module cache is read-only.
  cpSync(source, suite, { recursive: true });
  run('chmod', ['-R', 'u+w', suite]);
  run('go', ['test', '-c', '-o', 'api.test', '.'], suite);
  const all = run(join(suite, 'api.test'), ['-test.list', '.'], suite).trim().split('\n');
  const names = all.filter((name) => !notHere.test(name) && wanted.test(name));
  const failed = new Set();
  const queue = names.values();
  const worker = async () => {
    for (const name of queue) if (!(await passes(suite, name))) failed.add(name);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return verdict(names, failed);
}

/** In a separate process, since a panic would end the other tests, too. */
function passes(suite, name) {
  const bin = fileURLToPath(new URL('bin', import.meta.url));
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
  const options = { cwd: suite, env, stdio: 'ignore', timeout: patienceMs };
  return new Promise((resolve, reject) => {
    const child = spawn(join(suite, 'api.test'), ['-test.run', `^${name}$`], options);
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}

function verdict(names, failed) {
  console.log(`${names.length} tests: ${names.length - failed.size} passed or skipped themselves, ${failed.size} failed`);
  let wrong = names.length === 0 ? 1 : 0;
  for (const name of names) {
    const reason = reasons.get(name);
    if (failed.has(name)) console.log(`  ${name}: ${reason ?? 'not expected'}`);
    else if (reason !== undefined) console.log(`  ${name}: expected to fail, and did not`);
    if (failed.has(name) !== (reason !== undefined)) wrong++;
  }
  return wrong === 0 ? 0 : 1;
}

function run(command, args, cwd = folder) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
