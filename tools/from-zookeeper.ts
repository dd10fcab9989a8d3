/** Types docs/guides/from-zookeeper.md in, with the ports and the old server of a test. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Block } from './markdown.ts';
import { freePort } from '../conformance/free-ports.mjs';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';

export interface ZooKeeperStage {
  /** `HOST:PORT` of the old server, in which one application `orders` is registered, with the port 8080. */
  readonly oldAddress: string;
  readonly timeoutMs?: number;
  /** Called when the guide begins to wait until all applications have moved, with `HOST:PORT` of Rollcall. */
  readonly onWaiting: (address: string) => void;
}

export interface SecureStage extends Omit<ZooKeeperStage, 'onWaiting'> {
  /** The files that the guide names, with their content: certificates, and credentials for the old server. */
  readonly files: Readonly<Record<string, string>>;
}

const waiting = 'until grep';

/** The whole guide, with a ZooKeeper that is open to all. @throws Error that names the line of the command that failed */
export async function playZooKeeperGuide(blocks: readonly Block[], { onWaiting, ...stage }: ZooKeeperStage): Promise<void> {
  await playBlocks(blocks.filter(({ attributes }) => attributes['stage'] === undefined), { ...stage, files: {} }, onWaiting);
}

/** The start of Rollcall and the bridge, with a ZooKeeper over TLS that wants credentials. @throws Error as above */
export async function playSecureBridge(blocks: readonly Block[], stage: SecureStage): Promise<void> {
  const secure = blocks.filter(({ attributes }) => attributes['stage'] === 'secure');
  await playBlocks([...blocks.filter(({ attributes }) => attributes['terminal'] === '1'), ...secure], stage);
}

async function playBlocks(blocks: readonly Block[], { oldAddress, timeoutMs = 60_000, files }: SecureStage, onWaiting?: (address: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_'));
  const http = await freePort();
  const address = `127.0.0.1:${await freePort()}`;
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  try {
    await play(
      blocks.filter(({ language }) => language === 'sh'),
      {
        folder,
        env: { ...Object.fromEntries(inherited), ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
        replace: {
          'zk-1:2181': oldAddress,
          'zk-1:2281': oldAddress,
          '127.0.0.1:8500': `127.0.0.1:${http}`,
          '127.0.0.1:2181': address,
          'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
        },
        timeoutMs,
        run(_block, text) {
          if (text.startsWith(waiting)) onWaiting?.(address);
          return ['bash', '-ec', text];
        },
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
