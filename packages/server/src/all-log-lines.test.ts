/** Those who follow the log of a server with workers see the lines of all its processes. */

import { expect, test } from 'vitest';
import type { Link } from './cluster/channel/link.ts';
import type { Methods, Peer } from './cluster/channel/peer.ts';
import { AllLogLines, logLinesOfWorker, ownLinesMethods } from './all-log-lines.ts';
import { manualClock } from './manual-clock.case.ts';
import { LogTap } from './telemetry/log-tap.ts';

/** A connection whose other end serves these methods. */
function connected(methods: Methods): Peer & Link {
  const stream = (method: string, body: Buffer, signal: AbortSignal) => {
    const found = methods[method];
    if (found?.kind !== 'stream') throw new Error(method);
    return found.run(body, signal);
  };
  return { stream, connected: async (signal: AbortSignal) => !signal.aborted } as unknown as Peer & Link;
}

const tapped = () => new LogTap({ write: () => undefined });
const line = (msg: string) => `${JSON.stringify({ level: 30, time: 1, msg })}\n`;
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next));
};

function followed(lines: { listen(listener: (text: string) => void): () => void }) {
  const seen: string[] = [];
  const stop = lines.listen((text) => seen.push((JSON.parse(text) as { msg: string }).msg));
  return { seen, stop };
}

test('a worker shows the lines of the primary, its own and those of a worker that comes later, and follows nothing while no client asks', async () => {
  const taps = { primary: tapped(), one: tapped(), two: tapped() };
  const all = new AllLogLines(taps.primary);
  const one = logLinesOfWorker(connected(all.methods), manualClock());
  all.add(connected(ownLinesMethods(taps.one)));
  expect(taps.one.listening).toBe(0);
  const { seen, stop } = followed(one);
  await settled();
  const leave = all.add(connected(ownLinesMethods(taps.two)));
  await settled();
  for (const [name, tap] of Object.entries(taps)) tap.write(line(name));
  await settled();
  expect(seen.sort()).toEqual(['one', 'primary', 'two']);
  leave();
  stop();
  await settled();
  expect(Object.values(taps).map(({ listening }) => listening)).toEqual([0, 0, 0]);
});

test('lines that are not taken in time are left out, and the next ones say how many', async () => {
  const tap = tapped();
  const all = new AllLogLines(tap);
  const { seen, stop } = followed(logLinesOfWorker(connected(all.methods), manualClock()));
  await settled();
  for (let at = 0; at < 1_500; at++) tap.write(line(`${at}`));
  await settled();
  expect(seen).toHaveLength(1_001);
  expect(seen.at(-1)).toBe('500 lines of another process were left out, since there were too many at once');
  stop();
});
