/** Checks with their status and output. */

import { For, Show, type JSX } from 'solid-js';
import type { CheckDetail } from '@rollcall/protocol';

/** As `frontend/catalog` of the server answers. */
export function CheckList(props: { readonly checks: readonly CheckDetail[] }): JSX.Element {
  return (
    <ul class="checks">
      <For each={props.checks}>
        {(check) => (
          <li>
            <span class={`badge ${check.status}`}>{check.status}</span> <b>{check.name || check.id}</b> <span class="hint">{wordsOf(check)}</span>
            <Show when={check.output !== ''}><pre>{check.output}</pre></Show>
          </li>
        )}
      </For>
    </ul>
  );
}

/** Who says the status, and how often. */
function wordsOf({ type, target, intervalMs, ttlMs = 0, notes }: CheckDetail): string {
  const own: Readonly<Record<string, string>> = {
    none: 'set by its registrant',
    status: 'follows the administrative status',
    stream: 'the connection of its client',
    ttl: `heartbeats, every ${ttlMs / 1_000} s at least`,
  };
  const how = own[type] ?? `${type} ${target ?? ''}${intervalMs === undefined ? '' : `, every ${intervalMs / 1_000} s`}`;
  return notes === '' ? how : `${how}; ${notes}`;
}
