/** The content of each package for `npm publish`: the files that a user needs, and no more. Needs the built packages. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from './source-files.ts';

const run = promisify(execFile);

/** Largest size of a tarball in kilobytes: its present size and a quarter more. A larger one contains a wrong file. */
const packages = [
  { folder: 'protocol', name: '@rollcall/protocol', kilobytesMax: 205 },
  { folder: 'gossip', name: '@rollcall/gossip', kilobytesMax: 130 },
  { folder: 'client', name: '@rollcall/client', kilobytesMax: 720 },
  { folder: 'server', name: '@rollcall/server', kilobytesMax: 5000 },
  { folder: 'cli', name: 'rollcall', kilobytesMax: 550 },
] as const;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly keywords: readonly string[];
  readonly repository: { readonly type: string; readonly url: string; readonly directory: string };
  readonly publishConfig: unknown;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function read(...path: string[]): string {
  return readFileSync(join(root, 'packages', ...path), 'utf8');
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(read(folder, 'package.json')) as Manifest;
}

interface Tarball {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

async function pack(folder: string): Promise<Tarball> {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: join(root, 'packages', folder), maxBuffer: 1e8 });
  return (JSON.parse(stdout) as [Tarball])[0];
}

describe.each(packages)('$name', ({ folder, name, kilobytesMax }) => {
  const manifest = manifestOf(folder);

  it('has its description, licence and repository', () => {
    expect(manifest).toMatchObject({
      name,
      version: manifestOf('protocol').version,
      license: 'Apache-2.0',
      repository: { type: 'git', url: manifestOf('protocol').repository.url, directory: `packages/${folder}` },
      // So that npm shows the commit and the workflow that built a tarball.
      publishConfig: { access: 'public', provenance: true },
    });
    expect(manifest.description).not.toBe('');
    expect(manifest.keywords.length).toBeGreaterThan(2);
    expect(read(folder, 'LICENSE')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    expect(read(folder, 'README.md').split('\n')[0]).toBe(`# ${name}`);
  });

  it('has what it exports, sources for its source maps, no tests, and at most its size limit', async () => {
    const { size, files } = await pack(folder);
    const paths = files.map(({ path }) => path);
    const wanted = [...Object.values(manifest.exports).flatMap((entry) => Object.values(entry)), ...Object.values(manifest.bin ?? {})];
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'src/index.ts', ...wanted.map((path) => path.replace(/^\.\//, ''))]));
    expect(paths.filter((path) => /\.(test|case)\.|testdata|fixture|tsbuildinfo|\/kill-/.test(path))).toEqual([]);
    expect(Math.ceil(size / 1_000)).toBeLessThanOrEqual(kilobytesMax);
  });

  it('can be published without a warning of npm', async () => {
    // Has no packages, like the registry before the first release.
    const registry = createServer((_request, response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}'));
    registry.listen(0, '127.0.0.1');
    onTestFinished(() => {
      registry.closeAllConnections();
      registry.close();
    });
    await new Promise((listening) => registry.once('listening', listening));
    const at = `//127.0.0.1:${(registry.address() as AddressInfo).port}/`;
    const args = ['publish', '--dry-run', '--ignore-scripts', '--loglevel=warn', `--registry=http:${at}`, `--${at}:_authToken=none`];
    const { stdout, stderr } = await run('npm', args, { cwd: join(root, 'packages', folder), maxBuffer: 1e8 });
    expect([stdout.trim(), stderr.trim()]).toEqual([`+ ${name}@${manifest.version}`, '']);
  });
});
