/**
 * The cost and the needs of an import of the client: which packages it loads, and how it compiles and runs in the project
 * of a user, from its tarball. Which packages the start of a server loads is tested here as well. Needs the built packages.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

/**
 * Writes the URL of each module that an import resolves to into a file. Not to the standard output: a pipe refuses more than it has
 * room for (EAGAIN) while its reader is slow.
 */
const noting = (file: string) => `data:text/javascript,${encodeURIComponent(`
  import { appendFileSync } from 'node:fs';
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context);
    if (resolved.url.startsWith('file:')) appendFileSync(${JSON.stringify(file)}, resolved.url + '\\n');
    return resolved;
  }
`)}`;

/** Names of the packages that a program loads, beside those of Rollcall. */
function packagesOf(program: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-imports-'));
  const file = join(folder, 'urls');
  const text = `
    import { register } from 'node:module';
    register(${JSON.stringify(noting(file))});
    ${program}
  `;
  let noted: string;
  try {
    writeFileSync(file, '');
    execFileSync(process.execPath, ['--input-type=module', '-e', text], { cwd: root });
    noted = readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
  const names = [...noted.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map(([, name]) => name as string);
  return [...new Set(names)].sort();
}

describe('importing the client', () => {
  it.each(['@rollcall/client', '@rollcall/client/hashing', '@rollcall/client/load-report'])('as %s loads no other package', (name) => {
    expect(packagesOf(`await import('${name}');`)).toEqual([]);
  });

  it('leaves them to the first connection and the first request', () => {
    const used = packagesOf(`
      const { connect, ServiceClient, StaticSource } = await import('@rollcall/client');
      const service = new ServiceClient(new StaticSource({ web: [] }), 'web');
      await service.fetch('/').catch(() => {});
      await service.close();
      const rollcall = await connect({ servers: ['http://127.0.0.1:9'] });
      await rollcall.close();
    `);
    expect(used).toEqual(['@opentelemetry/api', 'undici', 'ws']);
  });
});

it('a server with its own store loads neither gRPC nor JSON Web Tokens: each start would pay for them', () => {
  const used = packagesOf(`
    const { createServer, memory } = await import('@rollcall/server');
    const server = await createServer({ engine: memory() });
    await server.close();
  `);
  expect(used).toEqual(['lru-cache', 'pino', 'prom-client', 're2js', 'ws']);
});

describe('the project of a user', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-consumer-'));
    const packages = join(folder, 'node_modules/@rollcall');
    mkdirSync(packages, { recursive: true });
    for (const name of ['protocol', 'client']) {
      const from = join(root, 'packages', name);
      const [packed] = JSON.parse(
        execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: from, encoding: 'utf8' }),
      ) as { filename: string }[];
      mkdirSync(join(packages, name));
      execFileSync('tar', ['-xzf', join(folder, packed?.filename ?? ''), '--strip-components=1', '-C', join(packages, name)]);
    }
    // The packages that npm would install with them, and those of every TypeScript project for Node; no types of ws.
    for (const name of ['undici', 'ws', '@opentelemetry/api', '@types/node', 'undici-types']) {
      mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns the errors of the compiler */
  function compile(files: Readonly<Record<string, string>>, options: object): string {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const compilerOptions = {
      ...{ strict: true, target: 'es2022', module: 'nodenext', lib: ['es2023'], types: ['node'] },
      ...{ skipLibCheck: false, exactOptionalPropertyTypes: true, ...options },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
    return spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' }).stdout;
  }

  const program = `
    import { connect, openWebSocket, ServiceClient, StaticSource, type Fetch, type Rollcall } from '@rollcall/client';
    import { RingTable } from '@rollcall/client/hashing';
    import { httpReports } from '@rollcall/client/load-report';
    const service = new ServiceClient(new StaticSource({ web: [] }), 'web');
    export const fetches: (typeof fetch)[] = [service.fetch, {} as Fetch, ({} as Rollcall).fetch];
    export const opened = async () => {
      const socket = await openWebSocket(service, '/');
      socket.on('message', (data: Buffer) => socket.send(data));
    };
    void service.close().then(() => console.log(typeof connect, typeof RingTable, typeof httpReports));
  `;

  it.each([
    ['the types of Node', ['es2023']],
    ['those of a browser, too', ['es2023', 'dom', 'dom.iterable']],
  ])('compiles with %s, every library checked, and runs', (_what, lib) => {
    expect(compile({ 'esm.mts': program }, { lib })).toBe('');
    expect(execFileSync(process.execPath, [join(folder, 'esm.mjs')], { encoding: 'utf8' })).toBe('function function function\n');
  });

  it('compiles to CommonJS with module nodenext, and runs without a warning', () => {
    expect(compile({ 'cjs.cts': program }, {})).toBe('');
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'cjs.cjs')], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'function function function\n', stderr: '' });
  });

  it('compiles to CommonJS with module node16, where it is imported by import()', () => {
    const types = `import type { Rollcall } from '@rollcall/client' with { 'resolution-mode': 'import' };`;
    const text = `${types}
      export const client = async (): Promise<Rollcall> => (await import('@rollcall/client')).connect();`;
    expect(compile({ 'node16.cts': text }, { module: 'node16' })).toBe('');
  });
});
