/** Types docs/guides/from-eureka.md in, with the ports and the old server of a test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Block } from './markdown.ts';
import { root } from './source-files.ts';
import { play } from './walkthrough.ts';

export interface EurekaStage {
  /** Port of the Rollcall that the guide starts. */
  readonly http: number;
  /** URL of the Eureka server, which has an instance of the application `orders`. It ends in `/eureka`. */
  readonly oldUrl: string;
  readonly timeoutMs?: number;
  /** Called when the guide begins to wait until all applications have moved. */
  readonly onWaiting: () => void;
  /** Called when the old servers are to be stopped. */
  readonly onStopping?: () => void;
}

const waiting = 'until curl';
const leaving = 'kill ';

/** @throws Error that names the line of the command that failed */
export async function playEurekaGuide(blocks: readonly Block[], { http, oldUrl, timeoutMs = 60_000, onWaiting, onStopping }: EurekaStage): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-guide-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ROLLCALL_'));
  try {
    await play(
      blocks.filter(({ language }) => language === 'sh'),
      {
        folder,
        env: { ...Object.fromEntries(inherited), ROLLCALL_HTTP_ADDR: `127.0.0.1:${http}`, NO_COLOR: '1' },
        replace: {
          'http://eureka-1:8761/eureka': oldUrl,
          '127.0.0.1:8500': `127.0.0.1:${http}`,
          'npx rollcall': `'${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}'`,
        },
        timeoutMs,
        run(_block, text) {
          if (text.startsWith(waiting)) onWaiting();
          if (text.startsWith(leaving)) onStopping?.();
          return ['bash', '-ec', text];
        },
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
