/**
 * Compiles the TypeScript blocks of a document as a reader would who has installed the packages:
 * against their built types, strictly. The output runs on any supported Node.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Block } from './markdown.ts';
import { root } from './source-files.ts';

export interface Compiled {
  /** The JavaScript file of a block. */
  fileOf(block: Block): string;
  remove(): void;
}

/**
 * Does nothing when there are none.
 * @param texts the blocks' texts, ports and all
 * @throws Error with the compiler's complaints, each with the line in the document
 */
export function compile(texts: ReadonlyMap<Block, string>): Compiled {
  // Below node_modules, so that packages are found by their names, and nothing else looks here.
  const folder = mkdtempSync(join(root, 'node_modules', '.snippets-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const name = (block: Block) => `line-${block.line}`;
  for (const [block, text] of texts) writeFileSync(join(folder, `${name(block)}.mts`), text);
  const config = {
    compilerOptions: {
      ...{ strict: true, target: 'es2022', module: 'nodenext', lib: ['es2023', 'esnext.disposable'] },
      ...{ types: ['node'], skipLibCheck: true, outDir: folder, rootDir: folder },
    },
    files: Array.from(texts.keys(), (block) => `${name(block)}.mts`),
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } =
    texts.size === 0
      ? { status: 0, stdout: '' }
      : spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  if (status !== 0) {
    remove();
    throw new Error(stdout);
  }
  return { fileOf: (block) => join(folder, `${name(block)}.mjs`), remove };
}
