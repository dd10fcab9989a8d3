/**
 * The commands in the READMEs for newcomers: this test runs them against a server started as the
 * README says, the programs compile and run. Needs the built packages, as the commands do.
 */

import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createRegistry } from '@rollcall/server';
import { describe, expect, it } from 'vitest';
import { blocksOf, type Block } from './markdown.ts';
import { compile } from './snippets.ts';
import { root } from './source-files.ts';
import { play, typed } from './walkthrough.ts';
import { freePorts } from '../conformance/free-ports.mjs';

describe('a newcomer', () => {
  it.each([
    ['README.md', { sh: 5, ts: 3 }],
    ['docs/start.md', { sh: 9, ts: 0 }],
  ])('can follow %s from the first command to the last', async (path, counts) => {
    const blocks = blocksOf(readFileSync(join(root, path), 'utf8')).filter(isPlayed);
    const count = (language: string) => blocks.filter((block) => block.language === language).length;
    expect({ sh: count('sh'), ts: count('ts') }).toEqual(counts);
    await follow(blocks);
  }, 600_000);
});

describe('the examples', () => {
  it.each([
    ['packages/protocol/README.md', 1],
    ['packages/gossip/README.md', 1],
    ['docs/guides/without-a-server.md', 1],
    ['packages/server/README.md', 1],
    ['packages/client/README.md', 9],
    ['packages/client/src/balancer/README.md', 1],
    ['packages/client/src/explain/README.md', 1],
    ['packages/client/src/hashing/README.md', 2],
    ['packages/client/src/integration/README.md', 1],
    ['packages/client/src/resilience/README.md', 1],
    ['packages/client/src/routing/README.md', 1],
    ['packages/client/src/telemetry/README.md', 1],
    ['packages/server/src/frontend/admin/README.md', 1],
    ['packages/server/src/engine/embedded/README.md', 1],
  ])('of %s work against a registry that runs', async (path, count) => {
    const blocks = blocksOf(readFileSync(join(root, path), 'utf8')).filter(isPlayed);
    expect(blocks).toHaveLength(count);
    const registry = await createRegistry();
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-readme-'));
    try {
      await follow(blocks, { folder, http: registry.ports.http });
    } finally {
      rmSync(folder, { recursive: true });
      await registry.close();
    }
  });
});

describe('compiling a snippet', () => {
  const snippet = (text: string): Block => ({ language: 'ts', attributes: {}, text, line: 7 });

  it('fails for a name that the package does not have, and says where', () => {
    const wrong = snippet("import { disconnect } from '@rollcall/client';\ndisconnect();");
    expect(() => compile(new Map([[wrong, wrong.text]]))).toThrow(/line-7.*disconnect/s);
  });

  it('fails for a wrong option', () => {
    const wrong = snippet("import { connect } from '@rollcall/client';\nawait connect({ server: 'x' });");
    expect(() => compile(new Map([[wrong, wrong.text]]))).toThrow('server');
  });
});

function isPlayed({ language, attributes }: Block): boolean {
  return (language === 'sh' || language === 'ts') && attributes['played'] !== 'no';
}

/**
 * Plays blocks with a separate data folder, and free ports where the text has the usual ones.
 * @param http the port of a registry that runs; without it, the text starts one
 */
async function follow(blocks: readonly Block[], { folder = root, http = 0 } = {}): Promise<void> {
  const [own, web, hello] = await freePorts(3);
  if (http === 0) http = own ?? 0;
  const replace = { '8500': `${http}`, '8080': `${web}`, '8081': `${hello}` };
  const programs = new Map(blocks.filter(({ language }) => language === 'ts').map((block) => [block, typed(block.text, replace)]));
  const compiled = compile(programs);
  const data = mkdtempSync(join(tmpdir(), 'rollcall-readme-'));
  try {
    await play(blocks, {
      folder,
      env: {
        ...process.env,
        ROLLCALL_HTTP: `127.0.0.1:${http}`,
        ROLLCALL_DNS: '127.0.0.1:0',
        ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`,
        ROLLCALL_DATA_DIR: data,
        NO_COLOR: '1',
      },
      replace,
      timeoutMs: 180_000,
      run: (block, text) =>
        block.language === 'ts' ? [process.execPath, compiled.fileOf(block)] : ['bash', '-ec', text],
    });
  } finally {
    compiled.remove();
    rmSync(data, { recursive: true, force: true });
  }
}
