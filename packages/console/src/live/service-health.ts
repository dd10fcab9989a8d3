/** The services of a namespace with the number of their instances by status, as pages show them. */

import { createMemo, type Accessor } from 'solid-js';
import type { ServiceHealth, ServiceHealthAnswer } from '@rollcall/protocol';
import { polled } from './polled.ts';
import type { LiveViews } from './views.ts';

export interface ServicesShown {
  readonly services: readonly ServiceHealth[];
  readonly isReady: boolean;
  readonly error: string | undefined;
}

export function watchServices(live: LiveViews, namespace: string): Accessor<ServicesShown> {
  const state = polled<ServiceHealthAnswer>('/rollcall/v1/health', { 'x-rollcall-namespace': namespace }, live.isPaused);
  return createMemo(() => ({ services: state().content?.services ?? [], isReady: state().content !== undefined || state().error !== undefined, error: state().error }));
}

/** Whether there is a service besides that of the servers themselves, which Consul's clients expect. */
export function hasServices({ services }: ServicesShown): boolean {
  return services.some(({ service }) => service !== 'consul');
}

/** How many instances of a service, or on a node, get no traffic. */
export function withoutTraffic({ instances, passing, warning }: Pick<ServiceHealth, 'instances' | 'passing' | 'warning'>): number {
  return instances - passing - warning;
}
