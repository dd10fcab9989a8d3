/**
 * The API tests of py-consul (criteo/py-consul), unmodified, each against a Rollcall that is started as
 * Consul. Their own fixtures start Docker containers; `py-consul/conftest.py` takes their place. Not part
 * of `npm test`, since it needs Python and its downloads.
 *
 *   node conformance/consul/py-consul.mjs [options of pytest]
 *
 * It needs the built project, and Python 3.10 or newer with venv. Ends with 0 when every test passes but
 * those of `exceptions`, which must fail.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const version = '1.8.0';
/** The archive as published on PyPI. */
const sha256 = 'ed9ab0adb335d33ea84f7622f372411f8e288bb09aee5e7632264d28d285a52c';
const packages = ['requests', 'pytest==9.0.1', 'pytest-asyncio', 'packaging', 'aiohttp', 'setuptools', 'setuptools-scm', 'wheel'];

/** Tests that cannot pass, with reasons; `../README.md` explains them. */
const exceptions = [
  ...['test_acl_token_list', 'test_acl_token_create'].map((name) => [
    `test_acl.TestConsulAcl.${name}`,
    'it reads a secret back, of which only the hash is kept',
  ]),
  ['test_agent.TestAgent.test_agent_checks', 'it registers a script check, and no program is ever run for one'],
  ['test_agent.TestAgent.test_service_multi_check', "its checks probe Consul's user interface on port 8500"],
  ['test_agent.TestAgent.test_agent_self', 'it expects the ports of xDS, which Rollcall does not have, like a Consul without gRPC'],
  ['test_agent.TestAgent.test_agent_leave', 'it stops the server by a request'],
  ['test_operator.TestOperator.test_autopilot_configuration', 'there is no autopilot that could be configured'],
  ...[
    'test_agent.TestAgent.test_agent_service_connect',
    'test_catalog.TestCatalog.test_catalog_gateway_services',
    'test_config.TestConfig.test_config_entry_crud',
    'test_config.TestConfig.test_config_entry_cas',
    'test_connect.TestConsulConnectIntentions.test_intentions_crud',
    'test_connect.TestConsulConnectIntentions.test_intentions_deny_check',
    'test_connect.TestConsulConnectCA.test_ca_update_configuration',
    'test_discovery_chain.TestDiscoveryChain.test_discovery_chain_get',
  ].map((name) => [name, 'there is no service mesh']),
];

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rollcall-py-consul-'));
try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function main(options) {
  run('python3', ['-m', 'venv', join(folder, 'venv')]);
  const pip = (...args) => run(join(folder, 'venv/bin/pip'), ['-q', '--disable-pip-version-check', ...args]);
  pip('install', ...packages);
  pip('download', '--no-deps', '--no-binary', ':all:', '--no-build-isolation', '-d', folder, `py-consul==${version}`);
  const archive = join(folder, `py_consul-${version}.tar.gz`);
  const found = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (found !== sha256) throw new Error(`py_consul-${version}.tar.gz has the SHA-256 ${found}, not ${sha256}`);
  run('tar', ['-xzf', archive, '-C', folder]);
  const suite = join(folder, `py_consul-${version}`);
  cpSync(join(here, 'py-consul/conftest.py'), join(suite, 'conftest.py'));
  // Of its settings only that of asyncio concerns the tests; the others measure coverage.
  writeFileSync(join(suite, 'pytest.ini'), '[pytest]\nasyncio_mode = auto\n');
  const report = join(folder, 'report.xml');
  const args = ['-m', 'pytest', 'tests/api', '-q', '--tb=short', `--junitxml=${report}`, ...options];
  const env = { ...process.env, CONSUL_BIN: join(here, 'bin/consul') };
  run(join(folder, 'venv/bin/python'), args, { cwd: suite, stdio: 'inherit', env, anyCode: true });
  return verdict(readFileSync(report, 'utf8'));
}

function verdict(xml) {
  const tests = [...xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)].map(
    ([, group, name, body = '']) => ({
      name: `${group.replace('tests.api.', '')}.${name}`,
      outcome: /<(?:failure|error)/.test(body) ? 'failed' : body.includes('<skipped') ? 'skipped' : 'passed',
    }),
  );
  const count = (outcome) => tests.filter((test) => test.outcome === outcome).length;
  const reasonOf = (name) => exceptions.find(([excepted]) => name === excepted)?.[1];
  console.log(`${tests.length} tests: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped by themselves`);
  let wrong = tests.length === 0 ? 1 : 0;
  for (const { name, outcome } of tests) {
    const reason = reasonOf(name);
    if (outcome === 'failed') console.log(`  ${name}: ${reason ?? 'not expected'}`);
    if (outcome === 'passed' && reason !== undefined) console.log(`  ${name}: expected to fail, and did not`);
    if ((outcome === 'failed') !== (reason !== undefined)) wrong++;
  }
  return wrong === 0 ? 0 : 1;
}

function run(command, args, { anyCode = false, ...options } = {}) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error !== undefined) throw error;
  if (status !== 0 && !anyCode) throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${status}: ${stderr ?? ''}`);
}
