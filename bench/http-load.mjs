/**
 * HTTP load on keep-alive connections: wrk where it is installed, otherwise autocannon. Both get
 * the same plan, of which a scripted form exists for each, and answer in requests per second.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputOf, pinned } from './processes.mjs';

export const loader = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon';

/**
 * @param plan `method`, `path`, `headers`, `body`: `#` in path and body is a number that counts from 0 and
 *   starts again at `numbers`; `%` in the body counts without end, so that every body differs
 * @param role of the core that the load runs on, as in `processes.mjs`
 * @returns requests per second; throws when any answer was not 2xx
 */
export async function load(url, plan, { connections, seconds, role = 'load' }) {
  return loader === 'wrk'
    ? await runWrk(url, plan, { connections, seconds, role })
    : await runAutocannon(url, plan, { connections, seconds, role });
}

async function runWrk(url, plan, { connections, seconds, role }) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  const script = join(folder, 'plan.lua');
  writeFileSync(script, luaScript(plan));
  try {
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
    const output = await outputOf(pinned(role, ['wrk', ...args]));
    const rate = /^RATE ([\d.]+) BAD (\d+)/m.exec(output);
    if (rate === null) throw new Error(`wrk said:\n${output}`);
    if (rate[2] !== '0') throw new Error(`${rate[2]} answers of ${url}${plan.path} were errors`);
    return Number(rate[1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A plan without numbers is one request, formatted once. */
function luaScript({ method, path, headers = {}, body, numbers = 1 }) {
  const fixed = !path.includes('#') && body === undefined;
  const fields = Object.entries(headers).map(([name, value]) => `["${name}"]=[[${value}]]`);
  const makeRequest = fixed
    ? `local request_bytes
function init() request_bytes = wrk.format("${method}", [[${path}]], {${fields.join()}}) end
function request() return request_bytes end`
    : `local counter = 0
function request()
  local number = tostring(counter % ${numbers})
  counter = counter + 1
  local body = [[${body ?? ''}]]
  body = body:gsub("#", number):gsub("%%", tostring(counter))
  return wrk.format("${method}", (([[${path}]]):gsub("#", number)), {${fields.join()}}, body)
end`;
  return `${makeRequest}
function done(summary)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.timeout
  io.write(string.format("RATE %f BAD %d\\n", summary.requests / (summary.duration / 1e6), bad))
end
`;
}

async function runAutocannon(url, plan, { connections, seconds, role }) {
  const program = fileURLToPath(new URL('load/autocannon.mjs', import.meta.url));
  const settings = JSON.stringify({ url, plan, connections, seconds });
  const output = await outputOf(pinned(role, [process.execPath, program, settings]));
  const { rate, bad } = JSON.parse(output);
  if (bad !== 0) throw new Error(`${bad} answers of ${url}${plan.path} were errors`);
  return rate;
}
