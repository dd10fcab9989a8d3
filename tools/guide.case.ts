/** Plays the shell blocks of a guide whose server listens on 127.0.0.1:8500, in an empty folder and on a free port; if asked, its TypeScript, too. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../conformance/free-ports.mjs';
import { blocksOf } from './markdown.ts';
import { compile } from './snippets.ts';
import { root } from './source-files.ts';
import { play, typed } from './walkthrough.ts';

/**
 * @param replace texts of the guide, and what they are here
 * @param languages of the blocks that are played
 * @returns how many blocks were played
 */
export async function playGuide(path: string, replace: Readonly<Record<string, string>> = {}, languages: readonly ('sh' | 'ts')[] = ['sh']): Promise<number> {
  const blocks = blocksOf(readFileSync(join(root, path), 'utf8')).filter(({ language }) => (languages as readonly string[]).includes(language));
  const http = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const here = { ...replace, '127.0.0.1:8500': `127.0.0.1:${http}`, 'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'` };
  const compiled = compile(new Map(blocks.filter(({ language }) => language === 'ts').map((block) => [block, typed(block.text, here)])));
  try {
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: here,
      timeoutMs: 180_000,
      run: (block, text) => (block.language === 'ts' ? [process.execPath, compiled.fileOf(block)] : ['bash', '-ec', text]),
    });
  } finally {
    compiled.remove();
    rmSync(folder, { recursive: true, force: true });
  }
  return blocks.length;
}
