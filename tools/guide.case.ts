/** Plays the shell blocks of a guide whose server listens on 127.0.0.1:8500, in an empty folder and on a free port. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../conformance/free-ports.mjs';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';

/** @param replace texts of the guide, and what they are here @returns how many blocks were played */
export async function playGuide(path: string, replace: Readonly<Record<string, string>> = {}): Promise<number> {
  const blocks = blocksOf(readFileSync(join(root, path), 'utf8')).filter(({ language }) => language === 'sh');
  const http = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  try {
    await play(blocks, {
      folder,
      env: { ...process.env, ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
      replace: { ...replace, '127.0.0.1:8500': `127.0.0.1:${http}`, 'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'` },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return blocks.length;
}
