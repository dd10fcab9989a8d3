/** The status of an instance or a service: always a word or a number beside the colour, which not everyone sees. */

import { For, Show, type JSX } from 'solid-js';
import type { CountsByStatus, InstanceStatus } from '@rollcall/protocol';

export function StatusBadge(props: { readonly status: InstanceStatus }): JSX.Element {
  return <span class={`badge ${props.status}`}>{props.status}</span>;
}

const order: readonly InstanceStatus[] = ['critical', 'maintenance', 'draining', 'starting', 'warning', 'passing'];

/** The worst first. */
export function StatusCounts(props: { readonly counts: CountsByStatus }): JSX.Element {
  return (
    <span class="counts">
      <For each={order}>
        {(status) => (
          <Show when={props.counts[status] > 0}>
            <span class={`badge ${status}`}>
              {props.counts[status]} {status}
            </span>
          </Show>
        )}
      </For>
    </span>
  );
}
