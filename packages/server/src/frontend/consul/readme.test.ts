/** The README is correct: its table is the route table, and its commands work. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Consul, lasting } from './consul.case.ts';
import { routeTable } from './routes.ts';

const readme = await readFile(new URL('README.md', import.meta.url), 'utf8');

test('the table of the surface lists every route with its methods, and no other', () => {
  const rows = readme.matchAll(/^\| `(\/v1\/[^`]*)` \| ([A-Z, ]+) \|/gm);
  const listed = [...rows].map(([, path, methods]) => [path, methods]);
  const routes = routeTable(lasting).map(({ path, methods }) => [path, Object.keys(methods).join(', ')]);
  expect(listed).toEqual(routes);
});

test('the table marks every read that can wait', () => {
  for (const { path, methods } of routeTable(lasting)) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${path}\` |`));
    const waits = methods.GET !== undefined && !('act' in methods.GET);
    expect([path, row?.includes('| waits')]).toEqual([path, waits]);
  }
});

test('the examples work, in order', async () => {
  const blocks = [...readme.matchAll(/^```sh test\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '');
  expect(blocks).toHaveLength(4);
  await using consul = await Consul.start();
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-readme-'));
  try {
    for (const block of blocks) {
      const text = block.replaceAll('http://127.0.0.1:8500', consul.server.url);
      const { code, output } = await shell(text, folder);
      expect([code, output], `${text}\n${output}`).toEqual([0, output]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

function shell(text: string, cwd: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-ec', text], { cwd });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
