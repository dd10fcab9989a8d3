/** The embedded engine against the port's shared cases. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../engine.ts';
import { engineCases } from '../engine.case.ts';
import { embedded } from './embedded.ts';

engineCases('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-engine-'));
  let engine: Engine = await embedded({ dir });
  return {
    engine,
    async reopen() {
      await engine.close();
      engine = await embedded({ dir });
      return engine;
    },
    discard: () => rm(dir, { recursive: true, force: true }),
  };
});
