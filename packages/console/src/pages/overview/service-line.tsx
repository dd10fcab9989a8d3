/** A service of which not all instances get traffic, or some warn: its probes can be made at once; drains and overrides need a choice of instances, which its page has. */

import { createEffect, createSignal, on, Show, type JSX } from 'solid-js';
import { getsTraffic, type ExplainedDenial, type Instance, type ServiceHealth } from '@rollcall/protocol';
import { withoutTraffic } from '../../live/service-health.ts';
import type { LiveViews } from '../../live/views.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { Link } from '../../parts/link.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { StatusCounts } from '../../parts/status.tsx';
import { act, checkedText, nameOf } from '../service/requests.ts';

interface ServiceLineProps {
  readonly live: LiveViews;
  readonly namespace: string;
  readonly service: ServiceHealth;
  readonly denial: ExplainedDenial | undefined;
  readonly outcome: Outcome;
}

/** Instances that pass need no look. */
const troubled = { filter: 'Status != passing' } as const;

export function ServiceLine(props: ServiceLineProps): JSX.Element {
  const [isChecking, setChecking] = createSignal(false);
  const serving = (): number => props.service.passing + props.service.warning;
  return (
    <li>
      <span class={`mark-of ${serving() === 0 ? 'bad' : withoutTraffic(props.service) > 0 ? 'warn' : 'info'}`} />
      <span class="what"><Link to={['services', props.service.service]}>{props.service.service}</Link></span>
      <span>{serving()} of {props.service.instances} get traffic <StatusCounts counts={props.service} /></span>
      <span class="act">
        <ActionButton denial={props.denial} impossible={isChecking() ? 'the probes are on their way' : undefined} onClick={() => setChecking(true)}>Check now</ActionButton>{' '}
        <Link to={['services', props.service.service]} query={troubled}>Choose instances</Link>
        <Show when={isChecking()}><Checking live={props.live} namespace={props.namespace} service={props.service.service} outcome={props.outcome} onDone={() => setChecking(false)} /></Show>
      </span>
    </li>
  );
}

/** Reads the instances that are not passing, and has them probed. */
function Checking(props: Omit<ServiceLineProps, 'service' | 'denial'> & { readonly service: string; readonly onDone: () => void }): null {
  const shown = props.live.watch<Instance>({ kind: 'service', namespace: props.namespace, name: props.service });
  createEffect(on(() => shown().isReady, (isReady) => {
    if (!isReady) return;
    const instances = [...shown().items.values()].filter(({ status }) => status === 'warning' || !getsTraffic(status)).map(nameOf);
    void props.outcome.run(async () => {
      if (instances.length === 0) return { text: `All instances of ${props.service} pass meanwhile.` };
      const came = await act({ namespace: props.namespace, action: 'check', instances, reason: '' }, false);
      const [refused] = came.refused;
      return { text: [`${props.service}:`, ...(came.applied > 0 ? [checkedText(came)] : []), ...(refused === undefined ? [] : [`${came.refused.length} cannot be checked: ${refused.id}: ${refused.message}.`])].join(' ') };
    }).finally(() => props.onDone());
  }));
  return null;
}
