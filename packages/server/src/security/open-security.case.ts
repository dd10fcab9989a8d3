/** Access control that is off, for tests of other parts. */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import { makeSecurity, type Security } from './security.ts';

export function openSecurity(registry: Registry, clock: Clock): Security {
  return makeSecurity({
    ...{ registry, clock, uuid: randomUUID },
    config: { enabled: false, defaultPolicy: 'allow', datacenter: 'dc1' },
    resolve: () => Promise.reject(new Error('no keys are fetched here')),
    onError: (error) => {
      throw error;
    },
  });
}
