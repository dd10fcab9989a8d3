/** `rollcall run`: real programs under a real registry; how clients see them, and how both end. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { folder, rollcall, serve, sharedRegistry, start, type Process } from './processes.case.ts';

const node = process.execPath;
const shared = sharedRegistry();

/**
 * A program that listens once it is told to, says which signals it gets, and ends with 7 at SIGUSR2.
 * It prints its pid first.
 */
const program = (port: number, when = 'listen()') => `
  const server = require('node:http').createServer((request, response) => response.end('up'));
  const listen = () => server.listen(${port}, '127.0.0.1', () => console.log('listening'));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1']) process.on(signal, () => console.log('got ' + signal));
  process.on('SIGUSR2', () => process.exit(7));
  setInterval(() => {}, 60_000);
  console.log('pid ' + process.pid);
  ${when};
`;

interface Watched {
  readonly id: string;
  readonly status: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** Waits until the service `web` looks as wanted, as another process sees it. */
function watching(registry: { url: string }) {
  const watch = start(['watch', 'web', '--json', '--addr', registry.url]);
  const seen: { instances: Watched[] }[] = [];
  let waiting: (() => void)[] = [];
  let rest = '';
  watch.child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) seen.push(JSON.parse(line) as { instances: Watched[] });
    for (const look of waiting.splice(0)) look();
  });
  let next = 0;
  /** The first change after the last one returned that fits. */
  const until = async (wanted: (instances: readonly Watched[]) => boolean): Promise<readonly Watched[]> => {
    for (;;) {
      for (; next < seen.length; next++) {
        const { instances } = seen[next] as { instances: Watched[] };
        if (!wanted(instances)) continue;
        next++;
        return instances;
      }
      await new Promise<void>((resolve) => (waiting = [...waiting, resolve]));
    }
  };
  return {
    until,
    status: (status: string) => until((instances) => instances.length === 1 && instances[0]?.status === status),
    gone: () => until((instances) => instances.length === 0),
  };
}

function run(registry: { url: string }, port: number, code: string, ...flags: string[]): Process {
  return start(['run', 'web', '--port', String(port), '--addr', registry.url, ...flags, '--', node, '-e', code]);
}

async function pidOf(running: Process): Promise<number> {
  const pid = Number((await running.seen(/^pid (\d+)$/m))[1]);
  // The program must not outlive the test, also when it fails.
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  });
  return pid;
}

describe('the program', () => {
  it.each([
    ['its exit code', 'process.exit(0)', 0, undefined],
    ['its exit code', 'process.exit(42)', 42, undefined],
    ['128 + the signal that ended it', "process.kill(process.pid, 'SIGKILL')", 137, 'SIGKILL'],
    ['128 + the signal that ended it', "process.kill(process.pid, 'SIGTERM')", 143, 'SIGTERM'],
  ])('gives %s, and leaves nothing behind though it ends at once', async (_what, code, expected, signal) => {
    const registry = { url: shared.url() };
    const ended = await run(registry, 1, code).ended;
    expect([ended.code, /the program was ended by (\w+)/.exec(ended.stderr)?.[1]]).toEqual([expected, signal]);
    const { stdout } = await rollcall(['instances', 'web', '--json', '--addr', registry.url]);
    expect(JSON.parse(stdout)).toMatchObject({ instances: [] });
  });

  it('gets the streams and the arguments unchanged', async () => {
    const registry = { url: shared.url() };
    const code = "console.error(JSON.stringify(process.argv.slice(1))); process.stdin.pipe(process.stdout)";
    const args = ['run', 'web', '--port', '1', '--addr', registry.url, '--', node, '-e', code, '--', '--port', '2', 'a b', ''];
    const ended = await rollcall(args, { input: 'through\n' });
    expect(ended).toMatchObject({ code: 0, stdout: 'through\n' });
    expect(ended.stderr).toContain('["--port","2","a b",""]');
  });

  it('that does not exist is exit code 127, one that cannot be executed 126', async () => {
    const registry = { url: shared.url() };
    const missing = await rollcall(['run', 'web', '--port', '1', '--addr', registry.url, '--', 'no-such-program-4711']);
    expect(missing).toMatchObject({ code: 127, stderr: 'rollcall: there is no program "no-such-program-4711"\n' });
    const file = join(folder(), 'text');
    writeFileSync(file, 'text', { mode: 0o644 });
    const refused = await rollcall(['run', 'web', '--port', '1', '--addr', registry.url, '--', file]);
    expect(refused.code).toBe(126);
    expect(refused.stderr).toContain(`cannot run ${JSON.stringify(file)}`);
    const instances = await rollcall(['instances', 'web', '--json', '--addr', registry.url]);
    expect(JSON.parse(instances.stdout)).toMatchObject({ instances: [] });
  });

  it('gets signals, each once', async () => {
    const registry = { url: shared.url() };
    const port = await freePort();
    const running = run(registry, port, program(port));
    await pidOf(running);
    await running.seen(/listening/);
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGTERM', 'SIGINT'] as const) {
      running.child.kill(signal);
      await running.seen(new RegExp(`got ${signal}`));
    }
    running.child.kill('SIGUSR2');
    const { code, stdout } = await running.ended;
    expect(code).toBe(7);
    expect(stdout.match(/got \w+/g)).toEqual(['got SIGHUP', 'got SIGUSR1', 'got SIGTERM', 'got SIGINT']);
  });
});

describe('clients see the program', () => {
  it('critical until it answers, then passing, draining when it is asked to stop, and removed when it has stopped', async () => {
    const registry = { url: shared.url() };
    const watch = watching(registry);
    const port = await freePort();
    const running = run(registry, port, program(port, "process.once('SIGHUP', listen)"), '--tag', 'a', '--tag', 'b', '--meta', 'k=v=w');
    await pidOf(running);
    const [registered] = await watch.status('critical');
    expect(registered).toMatchObject({ id: `web-${port}`, port, tags: ['a', 'b'], meta: { k: 'v=w' } });
    running.child.kill('SIGHUP');
    await watch.status('passing');
    running.child.kill('SIGTERM');
    await watch.status('draining');
    await running.seen(/got SIGTERM/);
    running.child.kill('SIGUSR2');
    await watch.gone();
    expect((await running.ended).code).toBe(7);
  });

  it('by the URL of --check, which may be a path only', async () => {
    const registry = { url: shared.url() };
    const watch = watching(registry);
    const port = await freePort();
    const running = run(registry, port, program(port), '--check', '/healthz');
    await pidOf(running);
    await watch.status('passing');
  });

  it('disappear at once when it is killed', async () => {
    const registry = { url: shared.url() };
    const watch = watching(registry);
    const port = await freePort();
    const running = run(registry, port, program(port));
    const pid = await pidOf(running);
    await watch.status('passing');
    process.kill(pid, 'SIGKILL');
    // It is deregistered, and not only critical because its stream closed.
    const next = await watch.until(([instance]) => instance?.status !== 'passing' && instance?.status !== 'draining');
    expect(next).toEqual([]);
    expect((await running.ended).code).toBe(137);
  });

  it('critical at once when `rollcall run` itself is killed; the program keeps running', async () => {
    const registry = { url: shared.url() };
    const watch = watching(registry);
    const port = await freePort();
    const running = run(registry, port, program(port));
    const pid = await pidOf(running);
    await watch.status('passing');
    running.child.kill('SIGKILL');
    await watch.status('critical');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('up');
    expect(process.kill(pid, 0)).toBe(true);
  });
});

describe('without a registry', () => {
  it('the program runs, and is registered once a registry is reachable', async () => {
    const [registryPort, port] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${registryPort}`;
    const running = run({ url }, port, program(port));
    await pidOf(running);
    await running.seen(/listening/);
    await running.seen(/rollcall: no registry answers at .*; the program runs, and is registered when one does/, 'stderr');
    const watch = watching(await serve('--http', `127.0.0.1:${registryPort}`));
    await watch.status('passing');
    running.child.kill('SIGUSR2');
    expect((await running.ended).code).toBe(7);
  });

  it('the program ends normally', async () => {
    const ended = await run({ url: `http://127.0.0.1:${await freePort()}` }, 1, 'process.exit(3)').ended;
    expect(ended.code).toBe(3);
  });

  it('that stops later, the program keeps running and is registered with the next one', async () => {
    const [at, port] = [`127.0.0.1:${await freePort()}`, await freePort()];
    const registry = await serve('--http', at);
    const first = watching(registry);
    const running = run(registry, port, program(port));
    await pidOf(running);
    await first.status('passing');
    registry.child.kill('SIGTERM');
    expect((await registry.ended).code).toBe(0);
    const watch = watching(await serve('--http', at));
    await watch.status('passing');
    running.child.kill('SIGUSR2');
    await watch.gone();
    expect((await running.ended).code).toBe(7);
  });
});
