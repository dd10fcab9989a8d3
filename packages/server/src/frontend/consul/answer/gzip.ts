/** Compressed bodies: small ones at once, large ones by the threads of zlib, which the event loop does not wait for. */

import { once } from 'node:events';
import { createGzip, gzipSync } from 'node:zlib';
import type { Body } from '../../../net/answers.ts';
import type { Pace, Work } from '../../../net/turns.ts';

/** Smaller bodies gain nothing (Consul's `gziphandler.DefaultMinSize`). */
export const gzipBytesMin = 1_400;

/** Up to here it takes less than a slice, and handing it to a thread and back would take longer. */
const atOnceBytesMax = 131_072;
/** Bytes that are compressed in a unit of work. */
const bytesPerUnit = 50;

/** The fastest level: it is done once per revision, but for everything that is large. */
const level = 1;

/** @returns the body, compressed */
export function* gzipped(body: Body, pace: Pace): Work<readonly Buffer[]> {
  const [only, ...more] = body.buffers;
  if (only !== undefined && more.length === 0 && only.length <= atOnceBytesMax) {
    pace.spend(only.length / bytesPerUnit);
    return [gzipSync(only, { level })];
  }
  const zip = createGzip({ level, chunkSize: 65_536 });
  const chunks: Buffer[] = [];
  zip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(zip, 'end');
  // After an abort nothing waits for the end of the stream.
  ended.catch(() => undefined);
  try {
    for (const buffer of body.buffers) if (!zip.write(buffer)) yield once(zip, 'drain');
    zip.end();
    yield ended;
    return chunks;
  } finally {
    zip.destroy();
  }
}
