/** A provider and a consumer of Dubbo 3.3, unmodified, on a real ZooKeeper and on Rollcall: by interface, and by application. */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConnection } from '../../../packages/server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../../../packages/server/src/clock.ts';
import { freePorts } from '../../free-ports.mjs';
import { buildJava, startJava, type JavaProgram } from '../../java-program.mjs';
import { untilTrue } from '../../spring/seen.ts';
import { startRealZooKeeper, startRollcall, zooKeeperProblem, type ZooKeeperServer } from '../start.mjs';

const { problem: notBuilt, programs } = buildJava(fileURLToPath(new URL('../dubbo', import.meta.url)), 'dubbo-application');
const problem = notBuilt ?? zooKeeperProblem();
it('the application and the server are built', () => expect(problem).toBeUndefined());

interface Application extends JavaProgram {
  /** What `/ask` answers; empty when it fails. */
  ask(): Promise<string>;
}

async function start(args: (httpPort: number) => readonly (string | number)[]): Promise<Application> {
  const [httpPort = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${httpPort}`;
  const program = await startJava(programs?.['program.jar'] ?? '', { args: args(httpPort).map(String), readyUrl: `${url}/ready` });
  return {
    ...program,
    async ask() {
      const answer = await fetch(`${url}/ask`);
      return answer.ok ? answer.text() : '';
    },
  };
}

const cases = [
  { server: 'ZooKeeper', mode: 'interface' },
  { server: 'Rollcall', mode: 'interface' },
  { server: 'ZooKeeper', mode: 'instance' },
  { server: 'Rollcall', mode: 'instance' },
] as const;

describe.runIf(problem === undefined).each(cases)('registered by $mode in $server', ({ server: name, mode }) => {
  let server: ZooKeeperServer;
  let consumer: Application;
  const started: Application[] = [];

  const provider = async (id: string) => {
    const [port = 0] = await freePorts(1);
    const made = await start((httpPort) => ['provider', server.address, mode, httpPort, port, id]);
    started.push(made);
    return made;
  };

  beforeAll(async () => {
    server = name === 'ZooKeeper' ? await startRealZooKeeper({ tickMs: 500 }) : await startRollcall({ args: ['--zookeeper-tick', '500'] });
    await provider('p1');
    consumer = await start((httpPort) => ['consumer', server.address, mode, httpPort]);
    started.push(consumer);
  }, 300_000);

  afterAll(async () => {
    for (const application of started) await application.kill();
    await server?.stop();
  });

  it('the consumer finds the provider, a second one, and neither of them when they are killed', { timeout: 240_000 }, async () => {
    await untilTrue('it calls the provider', async () => (await consumer.ask()) === 'p1');
    const second = await provider('p2');
    await untilTrue('it calls the second one, too', async () => (await consumer.ask()) === 'p2');
    await second.kill();
    await untilTrue('it calls the first one alone', async () => {
      const answers = new Set<string>();
      for (let at = 0; at < 10; at++) answers.add(await consumer.ask());
      return answers.size === 1 && answers.has('p1');
    });
    await server.kill();
    await server.start();
    expect(await consumer.ask()).toBe('p1');
    await started[0]?.kill();
    await untilTrue('it finds none', async () => (await consumer.ask()) === '');
  });
});

it.runIf(problem === undefined).each(['Nacos', 'Consul'] as const)('a consumer of ZooKeeper calls a provider that is registered as Dubbo registers it with %s', async (registry) => {
  const [elsewhere, rollcall] = await Promise.all([startRollcall(), startRollcall()]);
  const started: Application[] = [];
  try {
    const [port = 0] = await freePorts(1);
    // Its URL is read where it registers itself, and written into the other registry in the form of its extension.
    started.push(await start((httpPort) => ['provider', elsewhere.address, 'interface', httpPort, port, 'p1']));
    const name = 'conformance.Application$Greeter';
    const reader = await openConnection({ host: '127.0.0.1', port: elsewhere.port, timeoutMs: 10_000, clock: systemClock, onNotification: () => {} });
    let url = '';
    await untilTrue('the provider is registered', async () => {
      const { body } = await reader.request('getChildren', { path: `/dubbo/${encodeURIComponent(name)}/providers`, watch: false });
      url = decodeURIComponent(body?.children?.[0] ?? '');
      return url !== '';
    });
    reader.destroy();
    const [, protocol = '', path = '', query = ''] = /^(\w+):\/\/[^/]+\/([^?]*)\?(.*)$/.exec(url) ?? [];
    const there = registry === 'Consul' ? inConsul(name, port, url, query) : inNacos(name, port, { ...Object.fromEntries(new URLSearchParams(query)), protocol, path, category: 'providers' });
    await done(`${rollcall.httpUrl}${there.register.path}`, there.register);
    const consumer = await start((httpPort) => ['consumer', rollcall.address, 'interface', httpPort]);
    started.push(consumer);
    await untilTrue('it calls the provider', async () => (await consumer.ask()) === 'p1');
    await done(`${rollcall.httpUrl}${there.deregister.path}`, there.deregister);
    await untilTrue('it finds none', async () => (await consumer.ask()) === '');
  } finally {
    for (const application of started) await application.kill();
    await elsewhere.stop();
    await rollcall.stop();
  }
}, 240_000);

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** How a provider is registered in another registry, and removed from it. */
interface Elsewhere {
  readonly register: Call;
  readonly deregister: Call;
}

/** Consul takes values of 512 characters, so of a longer URL Dubbo's users leave out what consumers do not need. */
function inConsul(name: string, port: number, url: string, query: string): Elsewhere {
  const short = query.split('&').filter((pair) => /^(?:application|dubbo|interface|methods|prefer\.serialization|protocol|release|side)=/.test(pair)).join('&');
  const meta = { url: `${url.replace(/\?.*/, '')}?${short}` };
  const body = JSON.stringify({ ID: 'p1', Name: name, Address: '127.0.0.1', Port: port, Meta: meta });
  return { register: { method: 'PUT', path: '/v1/agent/service/register', body }, deregister: { method: 'PUT', path: '/v1/agent/service/deregister/p1' } };
}

/** Persistent, so that it lives without heartbeats. */
function inNacos(name: string, port: number, metadata: Readonly<Record<string, string>>): Elsewhere {
  const instance = new URLSearchParams({ serviceName: `providers:${name}::`, ip: '127.0.0.1', port: String(port), ephemeral: 'false' });
  const path = '/nacos/v1/ns/instance';
  return {
    register: { method: 'POST', path: `${path}?${instance}&${new URLSearchParams({ metadata: JSON.stringify(metadata) })}` },
    deregister: { method: 'DELETE', path: `${path}?${instance}` },
  };
}

async function done(url: string, { method, body }: Call): Promise<void> {
  const answer = await fetch(url, { method, ...(body !== undefined && { body }) });
  expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
}
