/** Carries an action out: commits it for each instance, a few at a time, or runs probes and waits for them. */

import { RegistryError, type CheckedNow } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';
import { overridesOf, probesOf, refusalOf, type Meant, type Plan, type Refusal } from './plan.ts';
import type { ActionRequest, Overrides } from './request.ts';

/** Commands that are submitted together: other writes go between two of these. */
const commandsAtOnce = 64;
/** How long an answer waits for probes. Those that take longer show their results later, as always. */
const probesMs = 5_000;

/** What a probe of one check came to. */
export interface Done {
  readonly refused: readonly Refusal[];
  readonly checks?: readonly CheckedNow[];
  /** The instances that have changed, with their overrides before and after. */
  readonly changed: readonly { readonly row: InstanceRow; readonly before: Overrides; readonly after: Overrides }[];
}

/** @param note who acts, and why */
export async function run(context: Context, { action }: ActionRequest, { meant }: Plan, note: { readonly by: string; readonly reason: string }): Promise<Done> {
  if (action === 'check') return { refused: [], changed: [], checks: await check(context, meant) };
  const refused: Refusal[] = [];
  const changed: { row: InstanceRow; before: Overrides; after: Overrides }[] = [];
  const one = async ({ row, to }: Meant): Promise<void> => {
    const { namespace, node, id, service } = row;
    try {
      const command =
        to === undefined
          ? ({ kind: 'deregister-instance', namespace, node, id } as const)
          : ({ kind: 'instance-status', namespace, node, id, override: to.override, weightOverride: to.weight, note } as const);
      const existed = await context.registry.submit(command);
      // An instance that is gone already is deregistered.
      if (!existed && to !== undefined) throw new RegistryError('not_found', `instance ${id} of ${service} was deregistered meanwhile`);
      const before = overridesOf(row);
      if (to !== undefined && (to.override !== before.override || to.weight !== before.weight)) changed.push({ row, before, after: to });
    } catch (error) {
      refused.push(refusalOf(row, error));
    }
  };
  for (let from = 0; from < meant.length; from += commandsAtOnce) await Promise.all(meant.slice(from, from + commandsAtOnce).map(one));
  return { refused, changed };
}

async function check({ health, registry, wheel }: Context, meant: readonly Meant[]): Promise<CheckedNow[]> {
  let stop: (() => void) | undefined;
  const late = new Promise<undefined>((resolve) => {
    const timer = wheel.schedule(probesMs, () => resolve(undefined));
    stop = () => timer.cancel();
  });
  const probes = meant.flatMap(({ row }) => probesOf(registry.state, row).map((probe) => ({ row, probe })));
  const results = probes.map(async ({ row: { service, node, id }, probe }): Promise<CheckedNow> => {
    const asked = health.probe(probe.namespace, probe.node, probe.id);
    const result = asked === 'elsewhere' ? asked : await Promise.race([asked, late]);
    const at = { service, node, id, check: probe.id };
    if (result === 'elsewhere') return { ...at, status: 'asked', output: '' };
    return result === undefined ? { ...at, status: 'running', output: '' } : { ...at, ...result };
  });
  try {
    return await Promise.all(results);
  } finally {
    stop?.();
  }
}
