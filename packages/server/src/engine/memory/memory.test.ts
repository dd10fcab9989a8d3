/** The memory engine against the port's shared cases. */

import { engineCases } from '../engine.case.ts';
import { largeTransactionCases } from '../large-transactions.case.ts';
import { limited } from '../limited.case.ts';
import { presenceCases } from '../presence.case.ts';
import { sharedEngineCases } from '../shared.case.ts';
import { memory } from './memory.ts';

engineCases('memory', () => Promise.resolve({ engine: memory() }), { reopen: 'nothing outlives the process' });

largeTransactionCases('memory', () => Promise.resolve({ engine: memory() }));

sharedEngineCases('memory', () => Promise.resolve({ engine: memory() }));

sharedEngineCases('memory, with the limits of etcd', () => Promise.resolve({ engine: limited(memory()) }));

presenceCases('memory', async () => {
  const engine = memory();
  return { engines: [engine, engine], end: (nodeId) => engine.presence.end(nodeId) };
});
