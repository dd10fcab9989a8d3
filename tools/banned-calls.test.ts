/** No wall clock, randomness, timers or console outside of their places; and the check finds each. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bans, checkCalls } from './banned-calls.ts';
import { productSources, root } from './source-files.ts';

describe('the sources', () => {
  it('make no banned call', () => {
    expect(checkCalls(productSources())).toEqual([]);
  });

  it('still have every file that is excepted', () => {
    const excepted = bans.flatMap(({ except }) => Object.keys(except ?? {}));
    expect(excepted.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('the check', () => {
  const registry = 'packages/server/src/registry/decide.ts';
  const replica = 'packages/server/src/replica.ts';
  it.each([
    [registry, 'const now = Date.now();', 'no clock'],
    [registry, 'const now = new Date();', 'no clock'],
    [registry, 'setTimeout(prune, 10);', 'no timers'],
    [registry, 'async function decide() {}', 'synchronous'],
    [registry, 'const id = crypto.randomUUID();', 'no I/O'],
    [registry, 'const roll = Math.random();', 'random'],
    [replica, 'const started = performance.now();', '`Clock`'],
    ['packages/server/src/health/liveness.ts', 'clock.timer(10, tick);', 'timing wheel'],
    ['packages/server/src/net/listener.ts', 'setInterval(sweep, 10);', '`Wheel`'],
    ['packages/client/src/connect.ts', 'const at = new Date();', '`Clock`'],
    ['packages/client/src/connect.ts', "console.log('hello');", 'logger'],
    ['packages/cli/src/run.ts', 'const { promise } = Promise.withResolvers();', 'Node 20'],
    ['packages/cli/src/capture.ts', 'const over = AbortSignal.any([signal, AbortSignal.timeout(5)]);', '`withTimeLimit`'],
  ])('finds in %s: %s', (path, text, instead) => {
    const found = checkCalls([{ path, text: `// one\n${text}\n` }]);
    expect(found.join('\n')).toContain(instead);
    expect(found[0]).toContain(`${path}:2 `);
  });

  it('leaves prose, the edges and other words alone', () => {
    const text = "// never Date.now()\nconst note = 'no setTimeout(';\nconst random = options.random();\n";
    expect(checkCalls([{ path: registry, text }])).toEqual([]);
    expect(checkCalls([{ path: 'packages/server/src/clock.ts', text: 'Date.now(); setTimeout(a, 1);' }])).toEqual([]);
  });
});
