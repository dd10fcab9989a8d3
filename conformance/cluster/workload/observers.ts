/** Observers, each of one node: an observer requests the passing instances again and again, and also watches the service. */

import { Caller, type Entry } from './caller.ts';
import { sleep, type Scene } from './scene.ts';
import { runStreamWatcher } from './watchers.ts';

const everyMs = 250;

/** An unchanged answer is recorded at this interval. */
const repeatMs = 1_000;

export async function observe(scene: Scene, entry: Entry, service: string): Promise<void> {
  await Promise.all([poll(scene, entry, service), watch(scene, entry, service)]);
}

async function poll(scene: Scene, entry: Entry, service: string): Promise<void> {
  const { history, signal } = scene;
  const caller = new Caller({ name: `observer-${entry.node}`, entries: [entry], first: 0, timeoutMs: 2_000 });
  let last = '';
  let lastAt = -Infinity;
  while (!signal.aborted) {
    const asked = history.now();
    const outcome = await caller.get(`/v1/health/service/${service}?passing`);
    const told = history.now();
    if (outcome.kind === 'answer' && outcome.status === 200 && !signal.aborted) {
      const passing = (JSON.parse(outcome.text) as { readonly Service: { readonly ID: string } }[]).map(({ Service }) => Service.ID).sort();
      const text = JSON.stringify([passing, outcome.stale]);
      if (text !== last || told - lastAt >= repeatMs) {
        history.add({ t: 'sight', node: entry.node, asked, told, passing, stale: outcome.stale });
        [last, lastAt] = [text, told];
      }
    }
    await sleep(everyMs, signal);
  }
  await caller.close();
}

/** A short change is not seen by polling, but a watcher gets it. */
function watch(scene: Scene, entry: Entry, service: string): Promise<void> {
  const told = (content: Readonly<Record<string, string>>): void => {
    const at = scene.history.now();
    const passing = Object.entries(content).flatMap(([key, status]) => (status === 'passing' ? [key.slice(key.indexOf('/') + 1)] : []));
    // A watcher cannot know whether its node is stale, so only missing instances count.
    scene.history.add({ t: 'sight', node: `${entry.node} (stream)`, asked: at, told: at, passing, stale: true });
  };
  return runStreamWatcher(scene, { name: `observer-${entry.node}`, target: { kind: 'service', name: service }, entries: [entry], told }, 0);
}
