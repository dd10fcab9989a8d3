/** The guide to a cluster, typed from the first command to the last, with a real etcd. Needs the built packages. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { buildEtcd } from '../conformance/etcd/build.mjs';
import { blocksOf } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';
import { freePort } from '../conformance/free-ports.mjs';

const { programs, problem } = buildEtcd();

it('an operator can follow the guide to a cluster', async ({ skip }) => {
  skip(problem !== undefined, problem);
  const blocks = blocksOf(readFileSync(join(root, 'docs/guides/cluster.md'), 'utf8')).filter(({ language }) => language === 'sh');
  expect(blocks).toHaveLength(15);
  // Members of etcd say nothing when they are ready: the nodes wait for them.
  const played = blocks.map((block) => (/^m\d$/.test(block.attributes['terminal'] ?? '') ? { ...block, attributes: { ...block.attributes, until: '' } } : block));
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_'));
  const ports = await Promise.all(['2379', '2380', '3379', '3380', '4379', '4380', '8501', '8502', '8503'].map(async (port) => [port, String(await freePort())] as const));
  try {
    await play(played, {
      folder,
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1', PATH: `${dirname(programs?.['etcd'] ?? '')}:${process.env['PATH'] ?? ''}` },
      replace: { ...Object.fromEntries(ports), 'npx rollcall': `node ${join(root, 'packages/cli/bin/rollcall.mjs')}` },
      timeoutMs: 180_000,
      run: (_block, text) => ['bash', '-ec', text],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 240_000);
