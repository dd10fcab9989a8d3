/**
 * How many clients follow a flag set now, by the list of clients of all nodes: flags that no client follows are evaluated by none of them. If none does, it
 * says since when.
 */

import { Show, type JSX } from 'solid-js';
import type { ClientList } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import type { SetRef } from './flag-sets.ts';
import { sinceText } from './unfollowed.ts';

export function Followers(props: { readonly live: LiveViews; readonly set: SetRef }): JSX.Element {
  const { namespace, app, name } = props.set;
  const state = polled<ClientList>(`/rollcall/v1/clients?${String(new URLSearchParams({ namespace, config: `${app}/${name}`, limit: '1' }))}`, {}, props.live.isPaused);
  return (
    <Show when={pastReason() === undefined ? state().content : undefined}>
      {(answer) => (
        <p class={answer().count === 0 ? 'warn' : 'hint'} role="status">
          <Show when={answer().count > 0} fallback={<>No client follows these flags now, so none evaluates them.{sinceText(answer().lastFollower, Date.now())} Programs that ask for single flags over OFREP are not counted.</>}>
            {answer().count} client{answer().count === 1 ? ' follows' : 's follow'} these flags.
          </Show>
          <Show when={answer().missing.length > 0}> {answer().missing.join(', ')} did not answer.</Show>
        </p>
      )}
    </Show>
  );
}
