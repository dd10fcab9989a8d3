/**
 * What a process loads when it imports the server: neither front ends nor the libraries that only some servers use. A static import of one
 * would be a part of each start of each server. And what each command of the command line loads before it runs: neither server nor client.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frontendTable } from '../packages/server/src/frontends.ts';
import { codeOf, root } from './source-files.ts';

const server = 'packages/server/src';
/** Imports that stay when types are removed, and are loaded with the file itself. */
const loading = /^\s*(?:import|export)\b(?!\s+type\b)[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;

/** Files and packages that are loaded with these files, at once. */
function loadedWith(...files: readonly string[]): Set<string> {
  const loaded = new Set<string>();
  const waiting = [...files];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    if (!path.endsWith('.ts')) continue;
    for (const [, named, bare] of codeOf(readFileSync(join(root, path), 'utf8'), { keepStrings: true }).matchAll(loading)) {
      const target = named ?? bare ?? '';
      if (!target.startsWith('node:')) waiting.push(target.startsWith('.') ? posix.join(posix.dirname(path), target) : target);
    }
  }
  return loaded;
}

describe('a process that imports the server', () => {
  const all = loadedWith(`${server}/index.ts`);

  it('loads these packages, and no other', () => {
    const packages = [...all].filter((path) => !path.startsWith('packages/'));
    expect(packages.sort()).toEqual(['@rollcall/protocol', 'lru-cache', 'pino', 'prom-client', 're2js', 'ws']);
  });

  it.each(Object.keys(frontendTable))('does not load the front end %s', (name) => {
    const file = `${server}/frontend/${name}/frontend.ts`;
    expect(existsSync(join(root, file))).toBe(true);
    expect(all).not.toContain(file);
  });
});

describe('a server that serves', () => {
  const early = Object.entries(frontendTable).filter(([, entry]) => !('late' in entry) && !('optional' in entry)).map(([name]) => `${server}/frontend/${name}/frontend.ts`);
  const all = loadedWith(`${server}/index.ts`, ...early);

  it.each(Object.entries(frontendTable).filter(([, entry]) => 'late' in entry).map(([name]) => name))('loads nothing of %s with the other front ends', (name) => {
    // It reads options, before any front end is created.
    const allowed = new Set([`${server}/frontend/apollo/access-keys.ts`]);
    expect([...all].filter((path) => path.startsWith(`${server}/frontend/${name}/`) && !allowed.has(path))).toEqual([]);
  });
});

describe('a process that runs the command line', () => {
  const cli = 'packages/cli/src';
  const files = readdirSync(join(root, cli, 'commands')).filter((name) => name.endsWith('.ts') && !name.includes('.test.'));

  it.each(['main.ts', ...files.map((name) => `commands/${name}`)])('loads neither server nor client with %s', (name) => {
    const packages = [...loadedWith(`${cli}/${name}`)].filter((path) => !path.startsWith('packages/'));
    expect(packages).not.toContain('@rollcall/server');
    expect(packages).not.toContain('@rollcall/client');
  });
});
