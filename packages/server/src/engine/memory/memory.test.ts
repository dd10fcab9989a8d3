/** The memory engine against the port's shared cases. */

import { engineCases } from '../engine.case.ts';
import { largeTransactionCases } from '../large-transactions.case.ts';
import { memory } from './memory.ts';

engineCases('memory', () => Promise.resolve({ engine: memory() }), { reopen: 'nothing outlives the process' });

largeTransactionCases('memory', () => Promise.resolve({ engine: memory() }));
