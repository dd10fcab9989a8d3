import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { blocksOf } from '../../../tools/markdown.ts';
import { compile } from '../../../tools/snippets.ts';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const programs = blocksOf(text).filter(({ language }) => language === 'ts');

it('every program of the README compiles, runs to its end, and prints what it says', async () => {
  expect(programs).toHaveLength(5);
  const server = await createServer();
  const compiled = compile(new Map(programs.map((block) => [block, block.text.replaceAll('http://127.0.0.1:8500', server.url)])));
  try {
    const runs = programs.map(async (block) => {
      const child = spawn(process.execPath, [compiled.fileOf(block)], { stdio: ['ignore', 'pipe', 'pipe'] });
      let printed = '';
      child.stdout.on('data', (data: Buffer) => (printed += data.toString()));
      child.stderr.on('data', (data: Buffer) => (printed += data.toString()));
      const code = await new Promise((resolve) => child.once('close', resolve));
      return { line: block.line, code, printed, wanted: block.attributes['prints'] ?? 'no attribute' };
    });
    for (const { line, code, printed, wanted } of await Promise.all(runs)) {
      expect(printed, `line ${line}`).toContain(wanted);
      expect(code, `line ${line}: ${printed}`).toBe(0);
    }
  } finally {
    compiled.remove();
    await server.close();
  }
}, 60_000);
