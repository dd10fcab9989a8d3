/**
 * One start of a program while no server runs; prints the milliseconds as JSON.
 *
 *   cold-start.mjs URL FOLDER     from `connect` until the configuration of the disk cache is at hand, and since the process began
 *   cold-start.mjs bare FOLDER    the floor: reads the same file and parses it
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , url, folder] = process.argv;
if (url === 'bare') {
  const from = performance.now();
  const [file] = readdirSync(folder).filter((name) => name.startsWith('config-'));
  const { layers } = JSON.parse(readFileSync(join(folder, file), 'utf8').split('\n')[1]);
  if (layers.length === 0) throw new Error('the file is empty');
  console.log(JSON.stringify({ ms: performance.now() - from, sinceStart: performance.now() }));
} else {
  const { connect } = await import('@rollcall/client');
  const from = performance.now();
  const rollcall = await connect({ servers: [url], cacheDir: folder, onEvent: () => {} });
  const config = rollcall.config('fleet/reads.properties');
  const { origin } = await config.whenReady();
  if (origin !== 'disk cache' || config.get('number') === undefined) throw new Error(`the content is from the ${origin}`);
  console.log(JSON.stringify({ ms: performance.now() - from, sinceStart: performance.now() }));
  process.exit(0);
}
