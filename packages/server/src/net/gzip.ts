/** Compressed bodies: small ones at once, large ones in the threads of zlib, without blocking the event loop. */

import { once } from 'node:events';
import { createGzip, gzipSync } from 'node:zlib';
import type { Body } from './answers.ts';
import { ListWriter } from './list-writer.ts';
import type { Pace, Work } from './turns.ts';

/** Smaller bodies gain nothing (Consul's `gziphandler.DefaultMinSize`). */
export const gzipBytesMin = 1_400;

/** Up to this size compression takes less than a slice, and less time than using a thread. */
const atOnceBytesMax = 131_072;
/** Bytes that are compressed in a unit of work. */
const bytesPerUnit = 50;

/** The fastest level: compression runs once per revision, but for every large body. */
const level = 1;

/** @returns the body, compressed */
export function* gzipped(body: Body, pace: Pace): Work<readonly Buffer[]> {
  const [only, ...more] = body.buffers;
  if (only !== undefined && more.length === 0 && only.length <= atOnceBytesMax) {
    pace.spend(only.length / bytesPerUnit);
    return [gzipSync(only, { level })];
  }
  const zip = createGzip({ level, chunkSize: 65_536 });
  // zlib begins with a piece of ten bytes. A body of one buffer is sent in one write.
  const out = new ListWriter();
  zip.on('data', (chunk: Buffer) => out.append([chunk]));
  const ended = once(zip, 'end');
  // After an abort nothing waits for the end of the stream.
  ended.catch(() => undefined);
  try {
    for (const buffer of body.buffers) if (!zip.write(buffer)) yield once(zip, 'drain');
    zip.end();
    yield ended;
    return out.finish();
  } finally {
    zip.destroy();
  }
}
