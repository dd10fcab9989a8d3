/**
 * `rollcall import apollo` against a real Apollo: its portal, admin service and config service in one process, on H2 in memory. Not part of `npm test`:
 * Apollo publishes no jar of its servers, so you build it from its sources, with Java and Maven.
 *
 *   git clone --branch v2.4.0 https://github.com/apolloconfig/apollo
 *   mvn -f apollo -Dmaven.test.skip=true -pl apollo-assembly -am package
 *   node conformance/apollo/import.mjs apollo/apollo-assembly/target/apollo-assembly-2.4.0.jar
 *
 * It needs the built project, and the ports 8070, 8080 and 8090. It compares what Apollo's clients get from Apollo and from Rollcall, once for the config
 * service and once for the portal's archive, and ends with 0 when both are the same.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startJava } from '../java-program.mjs';
import { fill, released, unreleased } from './fill.mjs';

const [jar] = process.argv.slice(2);
if (jar === undefined) throw new Error('usage: node conformance/apollo/import.mjs APOLLO-ASSEMBLY.jar');
const command = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));
const [portal, configService] = ['http://127.0.0.1:8070', 'http://127.0.0.1:8080'];
const folder = mkdtempSync(join(tmpdir(), 'rollcall-apollo-'));
const running = [];

try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  for (const stop of running) await stop();
  rmSync(folder, { recursive: true });
}

async function main() {
  const settings = { 'apollo_profile': 'github,database-discovery', 'spring.sql.config-init.mode': 'always', 'spring.sql.portal-init.mode': 'always', 'logging.file.name': join(folder, 'apollo.log') };
  const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const apollo = await startJava(jar, { args: [], readyUrl: `${portal}/envs`, heapMb: 900, command: ['env', `JAVA_TOOL_OPTIONS=${flags.join(' ')}`] });
  running.push(() => apollo.kill());
  const [env] = await (await fetch(`${portal}/envs`)).json();
  await fill(portal, env);
  const archive = join(folder, 'export.zip');
  writeFileSync(archive, Buffer.from(await (await fetch(`${portal}/configs/export?envs=${env}`)).arrayBuffer()));

  const fromService = await rollcall();
  const places = ['--app', 'orders', '--cluster', 'default', '--cluster', 'blue', ...['application', 'features.yml', 'beans.xml', 'rules.json'].flatMap((name) => ['--apollo-namespace', name])];
  importing(fromService, ['--from', configService, ...places]);
  importing(fromService, ['--from', configService, '--app', 'base', '--apollo-namespace', 'team.common', '--public']);
  const asReleased = await differences('the config service', fromService, Object.entries(released));

  const fromArchive = await rollcall();
  importing(fromArchive, [archive]);
  const edited = Object.entries(released).map(([place, values]) => [place, { ...values, ...unreleased[place] }]);
  return asReleased + (await differences('the archive', fromArchive, edited)) === 0;
}

/** An empty registry. @returns its URL */
async function rollcall() {
  const server = spawn(process.execPath, [command, 'serve', '--dev', '--http', '127.0.0.1:0', '--dns', 'off', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(() => server.kill());
  let said = '';
  server.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  for (;;) {
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
    if (found !== null) return found[0];
    await once(server.stdout, 'data');
  }
}

function importing(url, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, 'import', 'apollo', ...args, '--addr', url], { encoding: 'utf8', timeout: 60_000 });
  process.stdout.write(stdout);
  // Namespaces that a cluster does not have are left out and named.
  if (status !== 0) throw new Error(`the import ended with ${status}: ${stderr}`);
}

/** Asks both as a client of Apollo. @returns how many namespaces differ from what is expected, or between both */
async function differences(source, url, expected) {
  let wrong = 0;
  for (const [place, values] of expected) {
    const [app, cluster, name] = place.split('/');
    const answer = await fetch(`${url}/configs/${app}/${cluster}/${name}`);
    const found = answer.ok ? (await answer.json()).configurations : answer.status;
    const atApollo = (await (await fetch(`${configService}/configs/${app}/${cluster}/${name}`)).json()).configurations;
    const isRight = isDeepStrictEqual(found, values) && isDeepStrictEqual(atApollo, released[place]);
    console.log(`${isRight ? 'same' : 'DIFFERENT'}: ${place} from ${source}`);
    if (isRight) continue;
    wrong++;
    console.log({ expected: values, found, atApollo });
  }
  return wrong;
}
