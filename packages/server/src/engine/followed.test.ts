import { expect, test } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import { engineCases } from './engine.case.ts';
import { followed } from './followed.ts';
import { memory } from './memory/memory.ts';

engineCases('memory, followed', () => Promise.resolve({ engine: followed(memory(), { clock: manualClock() }) }), { reopen: 'nothing outlives the process' });

const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

test('who is present is told when followers had time to come back after a restart', async () => {
  const clock = manualClock();
  const { presence } = followed(memory(), { clock });
  await presence.hold('early');
  const seen: string[][] = [];
  const stop = presence.watch((present) => seen.push([...present]));
  const stopped = presence.watch(() => seen.push(['never']));
  clock.advance(4_999);
  stopped();
  await turns();
  expect(seen).toEqual([]);
  await presence.hold('back');
  clock.advance(1);
  await turns();
  expect(seen).toEqual([['early', 'back']]);
  stop();
  await presence.hold('late');
  await turns();
  expect(seen).toHaveLength(1);
});

test('it has several writers, whatever the engine below says', () => {
  expect(followed(memory(), { clock: manualClock() }).exclusive).toBe(false);
});
