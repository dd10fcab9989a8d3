/** A registry for tests of configurations, and publishing in it as an operator would. */

import { createHash } from 'node:crypto';
import { memory, type Engine, type Server } from '@rollcall/server';

export interface PublishOptions {
  readonly format?: string;
  readonly cluster?: string;
  readonly rollout?: { readonly name: string; readonly labels?: readonly string[]; readonly instances?: readonly string[] };
  readonly settings?: { readonly visibility?: 'public'; readonly parents?: readonly { readonly app: string; readonly name: string }[] };
}

/** Publishes a configuration named `APP/NAME`. A rollout is for clients whose label `track` has one of the values, or for instances. */
export async function publish({ registry }: Server, fullName: string, content: string, { format, cluster = 'default', rollout, settings }: PublishOptions = {}): Promise<void> {
  const [app = '', name = ''] = fullName.split('/');
  const digest = (algorithm: string) => createHash(algorithm).update(content).digest('hex');
  const rule = rollout?.instances === undefined ? ({ kind: 'label', label: 'track', values: rollout?.labels ?? [] } as const) : ({ kind: 'instance', instances: rollout.instances } as const);
  await registry.submit({
    ...{ kind: 'config-publish', namespace: 'default', app, cluster, name, content: Buffer.from(content), md5: digest('md5'), hash: digest('sha256') },
    ...(format === undefined ? {} : { format }),
    ...(settings === undefined ? {} : { settings }),
    ...(rollout === undefined ? {} : { rollout: { name: rollout.name, priority: 0, rule } }),
  });
}

/** Servers over one store, one after the other or at the same time: closing one leaves it open. */
export function sharedStore(): Engine {
  const engine = memory();
  return { ...engine, close: () => Promise.resolve() };
}
