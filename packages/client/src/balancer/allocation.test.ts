import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../../../bench/micro/picks-bytes.mjs', import.meta.url));
const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];

/**
 * Bytes per request. The smallest object has 12 or more, a boxed number 16 on Node 24. On Node 20 only the measurement
 * itself allocates. V8 of Node 24 sometimes boxes numbers: up to 3.2 bytes were seen, for every balancer.
 */
const noise = process.versions.node.startsWith('20.') ? 0.05 : 8;

// In a separate process, where no other code allocates, and with the built sources.
it('no balancer allocates per request: the heap does not grow over a million picks and observations', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program]);
  const bytes = JSON.parse(stdout) as Record<string, number>;
  expect(Object.keys(bytes).length).toBeGreaterThan(20);
  for (const [balancer, each] of Object.entries(bytes)) expect.soft(each, balancer).toBeLessThan(noise);
});
