/** How soon a watcher on one node sees a change that was made on another. */

import { percentile } from '../../statistics.mjs';
import { onEtcd } from '../harness.mjs';
import { changesSeen, showTimes } from '../watcher.mjs';

const limitMs = 25;

export const row = {
  what: 'change on node A seen by a watcher on node B',
  target: `p99 ≤ ${limitMs} ms on loopback`,
  async run({ quick }) {
    const count = quick ? 200 : 1_000;
    return onEtcd({}, async ({ nodes: [a, b] }) => {
      const [seen] = await changesSeen({ writer: a.url, readers: [b.url], count });
      const times = [...seen.values()];
      return {
        met: percentile(times, 0.99) <= limitMs && times.length === count,
        measured: showTimes(times),
        detail: `${times.length} of ${count} changes of a key, 20 ms apart, from the request to node A to the frame from node B; etcd does not flush to disk`,
      };
    });
  },
};
