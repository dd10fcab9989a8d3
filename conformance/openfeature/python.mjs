/**
 * The OFREP provider of OpenFeature for Python, unmodified, against a real server. Not part of `npm test`, since it needs Python 3.10 or newer with
 * venv, and its downloads.
 *
 *   node conformance/openfeature/python.mjs
 *
 * It needs the built project. Ends with 0 when every evaluation is as expected.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = ['openfeature-provider-ofrep==0.3.0', 'openfeature-sdk==0.8.3'];

const flags = {
  flags: {
    checkout: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off', targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'on', null] } },
    limit: { state: 'ENABLED', variants: { low: 10 }, defaultVariant: 'low' },
    theme: { state: 'ENABLED', variants: { dark: { css: 'dark.css' } }, defaultVariant: 'dark' },
  },
};

/** Prints what a user of the provider gets, a line each. */
const program = `
import sys
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
api.set_provider(OFREPProvider(base_url=sys.argv[1]))
client = api.get_client()
def show(details): print(details.value, details.variant, details.reason, details.error_code)
show(client.get_boolean_details('checkout', False, EvaluationContext('u1', {'plan': 'gold'})))
show(client.get_boolean_details('checkout', True, EvaluationContext('u1', {'plan': 'iron'})))
show(client.get_integer_details('limit', 1))
show(client.get_object_details('theme', {}))
show(client.get_string_details('missing', 'mine'))
show(client.get_string_details('limit', 'mine'))
`;

const expected = [
  'True on TARGETING_MATCH None',
  'False off DEFAULT None',
  '10 low STATIC None',
  "{'css': 'dark.css'} dark STATIC None",
  'mine None ERROR FLAG_NOT_FOUND',
  'mine None ERROR TYPE_MISMATCH',
];

const folder = mkdtempSync(join(tmpdir(), 'rollcall-ofrep-python-'));
const command = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));
const server = spawn(process.execPath, [command, 'serve', '--dev', '--http', '127.0.0.1:0', '--dns', 'off', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  process.exitCode = await main();
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const url = await addressOf(server);
  run(process.execPath, [command, 'config', 'publish', 'shop/web.flags.json', '--addr', url, '--content', JSON.stringify(flags)]);
  run('python3', ['-m', 'venv', join(folder, 'venv')]);
  run(join(folder, 'venv/bin/pip'), ['-q', '--disable-pip-version-check', 'install', ...packages]);
  const lines = run(join(folder, 'venv/bin/python'), ['-c', program, `${url}/ofrep/shop/web.flags.json`]).trim().split('\n');
  const wrong = expected.flatMap((line, index) => (lines[index] === line ? [] : [`expected ${line}\n     got ${lines[index]}`]));
  console.log(wrong.length === 0 ? `${expected.length} evaluations by the provider for Python are as expected` : wrong.join('\n'));
  return wrong.length === 0 ? 0 : 1;
}

/** The URL in the first lines of the server. */
async function addressOf({ stdout }) {
  let said = '';
  stdout.setEncoding('utf8').on('data', (text) => (said += text));
  for (;;) {
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
    if (found !== null) return found[0];
    await once(stdout, 'data');
  }
}

function run(name, args) {
  const { status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.slice(-2_000)}`);
  return stdout;
}
