/**
 * Undici's own tests of `fetch`, unmodified, with the `fetch` of Rollcall: each `http://localhost:PORT` of a test is an
 * instance of a service, requested by the name of the service. The same tests run with the platform's `fetch`, so that
 * differences are ours. Not part of `npm test`, since no package on npm has the suite, and GitHub may be unreachable.
 *
 *   node conformance/client/undici-fetch-suite.mjs            downloads the suite
 *   node conformance/client/undici-fetch-suite.mjs FOLDER     a checkout of it
 *
 * It needs the built project and npm. Ends with 0 when every test that passes with the platform's `fetch` passes with
 * Rollcall's, but those of `exceptions`, which must fail.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreignSuite, run } from '../foreign-suite.mjs';

/** The suite of the undici in Node 20.20, v6.24.1: tests of another version may test features that this platform lacks. */
const commit = 'c0cf656ef5e66f7372a7e57d08c6cbdd5b127e82';
const sha256 = '7af7652ba5e6c4349bcba11de06318461f166408e3dfb01cfc82fb4bf65039ea';
const parts = ['lib', 'test/fetch', 'test/utils'];

/** Packages that the tests load beside undici. */
const packages = ['@matteo.collina/tspl@0.1.1', '@metcoder95/https-pem@1.0.0', '@sinonjs/fake-timers@11.3.1', 'abort-controller@3.0.0', 'form-data@4.0.0', 'formdata-node@6.0.3'];

/** Tests that pass with the platform's `fetch` and cannot with Rollcall's, and why. */
const byName = 'the URL of the answer is that of the service, http://NAME.rollcall, not of the instance';
const after = 'the test before it leaves its observer behind when it fails; alone, this one passes';
const exceptions = new Map([
  ['fetch-url-after-redirect.js: after redirecting the url of the response is set to the target url', byName],
  ['fetch-url-after-redirect.js: location header with non-ASCII character redirects to a properly encoded url', byName],
  ['issue-1711.js: Redirecting a bunch does not cause a MaxListenersExceededWarning', byName],
  ['resource-timing.js: should create a PerformanceResourceTiming after each fetch request', byName],
  ['resource-timing.js: should include encodedBodySize in performance entry', after],
  ['resource-timing.js: timing entries should be in order', after],
  ['resource-timing.js: redirect timing entries should be included when redirecting', after],
  [
    'issue-2828.js: issue #2828, dispatcher is allowed in RequestInit options',
    'a dispatcher in a Request would go around the instances; that of the service counts',
  ],
]);

/** A replacement for undici in the tests: classes of the platform come from the platform. */
const undiciSource = `
const undici = require('./index.of-the-suite.js');
const { Request, Response, Headers, FormData } = globalThis;
const platform = globalThis.fetch;
const services = new Map();
const serviceOf = (host) => {
  const { ServiceClient, StaticSource } = require(process.env.ROLLCALL_CLIENT);
  const name = host.replace(/[^a-z0-9]+/g, '-');
  if (!services.has(name)) services.set(name, new ServiceClient(new StaticSource({ [name]: [host] }), name));
  return services.get(name);
};
function fetch(input, init = undefined) {
  const given = input instanceof Request ? input.url : String(input);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isTest = url?.protocol === 'http:' && /^(localhost|127\\.0\\.0\\.1)$/.test(url.hostname) && url.port !== '';
  if (process.env.ROLLCALL_CLIENT === undefined || !isTest || init?.dispatcher) return platform(input, init);
  const service = serviceOf(url.host);
  const there = given.replace(/^\\w+:\\/\\/[^/?#]*/, 'http://' + service.name + '.rollcall');
  return service.fetch(input instanceof Request ? new Request(there, input) : there, init);
}
module.exports = { ...undici, fetch, Request, Response, Headers, FormData };
`;

const reporterSource = `
import { appendFileSync } from 'node:fs';
export default async function* (events) {
  for await (const { type, data } of events) {
    if (type === 'test:pass' || type === 'test:fail') {
      const passed = type === 'test:pass';
      const skipped = data.skip !== undefined || data.todo !== undefined;
      appendFileSync(process.env.REPORT, JSON.stringify({ name: data.name, passed, skipped, why: String(data.details?.error?.cause ?? data.details?.error ?? '') }) + '\\n');
    }
  }
}
`;

const folder = mkdtempSync(join(tmpdir(), 'rollcall-undici-'));
try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(given) {
  const suite = await foreignSuite({ folder, given, repository: 'nodejs/undici', commit, sha256, parts });
  writeFileSync(join(suite, 'package.json'), '{ "name": "suite", "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: suite, stdio: 'ignore' });
  renameSync(join(suite, 'index.js'), join(suite, 'index.of-the-suite.js'));
  for (const name of ['index.js', 'index-fetch.js', 'undici-fetch.js']) writeFileSync(join(suite, name), undiciSource);
  writeFileSync(join(folder, 'reporter.mjs'), reporterSource);
  const client = fileURLToPath(new URL('../../packages/client/dist/index.js', import.meta.url));
  return verdict(runAll(suite, 'platform', {}), runAll(suite, 'rollcall', { ROLLCALL_CLIENT: client }));
}

/** @returns whether each test passed, by file and name */
function runAll(suite, variant, more) {
  const results = new Map();
  for (const file of readdirSync(join(suite, 'test/fetch')).filter((name) => name.endsWith('.js')).sort()) {
    const path = join(suite, 'test/fetch', file);
    // The others are about classes, which are the platform's either way.
    if (!/\bfetch\(/.test(readFileSync(path, 'utf8'))) continue;
    const report = join(folder, `${variant}-${file}.json`);
    writeFileSync(report, '');
    const options = ['--expose-gc', '--no-warnings', `--test-reporter=${join(folder, 'reporter.mjs')}`, '--test-reporter-destination=stdout', path];
    // A test that fails may leave its server open.
    const { status } = spawnSync(process.execPath, options, { cwd: suite, env: { ...process.env, REPORT: report, ...more }, timeout: 30_000, stdio: 'ignore' });
    const tests = readFileSync(report, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    tests.push({ name: '(the file ends)', passed: status === 0 || tests.some(({ passed }) => !passed), skipped: false, why: `status ${status}` });
    const seen = new Map();
    for (const test of tests.filter(({ skipped }) => !skipped)) {
      const count = (seen.get(test.name) ?? 0) + 1;
      seen.set(test.name, count);
      results.set(`${file}: ${test.name}${count === 1 ? '' : ` (${count})`}`, test);
    }
  }
  const failed = [...results.values()].filter(({ passed }) => !passed).length;
  console.log(`${variant}: ${results.size} tests, ${results.size - failed} passed, ${failed} failed`);
  return results;
}

function verdict(platform, rollcall) {
  const worse = [...platform].filter(([name, { passed }]) => passed && rollcall.get(name)?.passed !== true).map(([name]) => name);
  const better = [...platform].filter(([name, { passed }]) => !passed && rollcall.get(name)?.passed === true).map(([name]) => name);
  const both = [...platform].filter(([name, { passed }]) => !passed && rollcall.get(name)?.passed === false).map(([name]) => name);
  const unexpected = worse.filter((name) => !exceptions.has(name));
  const mended = [...exceptions.keys()].filter((name) => !worse.includes(name));
  const list = (title, names, show) => {
    if (names.length > 0) console.log([title, ...names.map((name) => `  ${name}: ${show(name)}`)].join('\n'));
  };
  list('fail with both:', both, (name) => platform.get(name).why.split('\n')[0]);
  list('pass with Rollcall only:', better, (name) => platform.get(name).why.split('\n')[0]);
  list('pass with the platform only:', worse, (name) => exceptions.get(name) ?? `not expected: ${rollcall.get(name)?.why.split('\n')[0] ?? 'was not run'}`);
  list('expected to fail, and did not:', mended, (name) => exceptions.get(name));
  const passed = [...rollcall.values()].filter((test) => test.passed).length;
  console.log(`${passed} passed, ${rollcall.size - passed} failed`);
  return unexpected.length === 0 && mended.length === 0 && platform.size > 0 ? 0 : 1;
}
