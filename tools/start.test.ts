/**
 * `npm start` in a small separate tree: the steps it takes, with stand-ins for npm, the compiler
 * and the command line that record how they were called.
 */

import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { root } from './source-files.ts';

const trees: string[] = [];

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

interface TreeOptions {
  /** Whether `node_modules` holds what the lock file names. */
  readonly installed: boolean;
  readonly npmWorks?: boolean;
  readonly buildWorks?: boolean;
}

function plant({ installed, npmWorks = true, buildWorks = true }: TreeOptions): string {
  const tree = mkdtempSync(join(tmpdir(), 'rollcall-start-'));
  trees.push(tree);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  mkdirSync(join(tree, 'tools'));
  for (const name of ['start.mjs', 'prepare.mjs']) copyFileSync(join(root, 'tools', name), join(tree, 'tools', name));
  const lock = JSON.stringify({ packages: { 'node_modules/typescript': { version: '7.0.2', integrity: 'sha512-a' } } });
  const note = (what: string) => `require('node:fs').appendFileSync(${JSON.stringify(join(tree, 'calls'))}, ${what} + '\\n');`;
  const compiler = `${note("'tsc ' + process.argv.slice(2).join(' ')")} process.exitCode = ${buildWorks ? 0 : 2};`;
  write('package.json', '{}');
  write('package-lock.json', lock);
  if (installed) {
    write('node_modules/.package-lock.json', lock);
    write('node_modules/typescript/bin/tsc', compiler);
  }
  write('stand-ins/compiler', compiler);
  write('packages/console/build.mjs', `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(join(tree, 'calls'))}, 'console\\n');`);
  write(
    'stand-ins/npm',
    `#!${process.execPath}
    ${note("'npm ' + process.argv.slice(2).join(' ')")}
    const { mkdirSync, copyFileSync } = require('node:fs');
    mkdirSync('node_modules/typescript/bin', { recursive: true });
    copyFileSync('stand-ins/compiler', 'node_modules/typescript/bin/tsc');
    process.exitCode = ${npmWorks ? 0 : 1};`,
  );
  chmodSync(join(tree, 'stand-ins/npm'), 0o755);
  write(
    'packages/cli/bin/rollcall.mjs',
    `process.on('SIGTERM', () => process.exit(7));
    console.log('up ' + JSON.stringify(process.argv.slice(2)));
    setInterval(() => {}, 60_000);`,
  );
  return tree;
}

function start(tree: string, ...args: string[]) {
  const env = { ...process.env, PATH: `${join(tree, 'stand-ins')}${delimiter}${process.env['PATH']}` };
  const child = spawn(process.execPath, [join(tree, 'tools/start.mjs'), ...args], { env });
  let output = '';
  const up = new Promise<string>((resolve) => {
    const listen = (chunk: Buffer) => {
      output += chunk.toString();
      const line = /^up (.*)$/m.exec(output);
      if (line !== null) resolve(line[1] ?? '');
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  const calls = () => (existsSync(join(tree, 'calls')) ? readFileSync(join(tree, 'calls'), 'utf8').trim().split('\n') : []);
  return { child, up, exited, calls, output: () => output };
}

describe('npm start', () => {
  it('installs, builds and serves in a fresh clone, and prints that', async () => {
    const started = start(plant({ installed: false }));
    expect(await started.up).toBe('["serve"]');
    expect(started.calls()).toEqual(['npm ci --no-audit --no-fund', 'tsc -b', 'console']);
    started.child.kill('SIGKILL');
    await started.exited;
    expect(started.output()).toContain('npm ci');
    expect(started.output()).toContain('building');
  });

  it('installs nothing when everything is installed, and passes arguments on', async () => {
    const started = start(plant({ installed: true }), '--dev', '--http', '127.0.0.1:0');
    expect(await started.up).toBe('["serve","--dev","--http","127.0.0.1:0"]');
    expect(started.calls()).toEqual(['tsc -b', 'console']);
    started.child.kill('SIGKILL');
    await started.exited;
  });

  it('is the server itself: it gets the signals and gives the exit code', async () => {
    const started = start(plant({ installed: true }));
    await started.up;
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(7);
  });

  it.each([
    ['the installation', { installed: false, npmWorks: false }, 'npm ci failed'],
    ['the build', { installed: true, buildWorks: false }, 'the build failed'],
  ])('stops when %s fails', async (_what, options, message) => {
    const started = start(plant(options));
    expect(await started.exited).toBe(1);
    expect(started.output()).toContain(message);
    expect(started.output()).not.toContain('up ');
  });
});
