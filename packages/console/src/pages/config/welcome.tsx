/** The page of configurations before one is chosen: what waits for the caller, what is under way, or the first steps. */

import { For, Show, type JSX } from 'solid-js';
import type { PendingWork } from '@rollcall/protocol';
import { createNow } from '../../live/now.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { follow } from '../../place.ts';
import { root, titleOf } from './data.ts';
import { ago } from './time.ts';
import { hrefFor } from './tree.tsx';

export function Welcome(props: { readonly live: LiveViews; readonly error: string | undefined; readonly create: () => void }): JSX.Element {
  const pending = polled<PendingWork>(`${root}/pending`, {}, props.live.isPaused);
  const now = createNow();
  const nothing = (): boolean => pending().content?.rollouts.length === 0 && pending().content?.proposals.length === 0;
  return (
    <section class="config-welcome">
      <h1>Configuration</h1>
      <Show when={props.error ?? pending().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={(pending().content?.rollouts.length ?? 0) > 0}>
        <h2>Rollouts under way</h2>
        <ul class="config-list">
          <For each={pending().content?.rollouts}>
            {(each) => (
              <li>
                <a href={hrefFor(each, 'rollout')} onClick={follow}>{titleOf(each)}</a>
                <span class="hint">{each.environment}</span>
                <span>release {each.release}, stage {each.stage + 1} of {each.stages}</span>
                <span class={`badge ${each.state === 'paused' ? 'warning' : 'starting'}`}>{each.state}</span>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Show when={(pending().content?.proposals.length ?? 0) > 0}>
        <h2>Proposals that wait</h2>
        <ul class="config-list">
          <For each={pending().content?.proposals}>
            {(each) => (
              <li>
                <a href={hrefFor(each, 'review', { proposal: String(each.number) })} onClick={follow}>{titleOf(each)}</a>
                <span class="hint">{each.environment}</span>
                <span>{each.message ?? 'no message'}</span>
                <span class="hint">{each.by === undefined ? '' : `by ${each.by}, `}{ago(each.atMs, now())}</span>
                <span class={`badge ${each.missing > 0 ? 'warning' : 'passing'}`}>{each.missing > 0 ? `needs ${each.missing} more approval${each.missing === 1 ? '' : 's'}` : 'may be published'}</span>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Show when={nothing()}>
        <p class="hint">No rollout is under way, and no proposal waits. Choose a configuration on the left, or begin one:</p>
        <p><button type="button" class="primary" onClick={() => props.create()}>New configuration</button></p>
        <p>On a command line:</p>
        <pre>{`printf 'timeoutMs: 500\\n' > app.yaml\nrollcall config publish shop/app.yaml --content @app.yaml --addr ${location.host}`}</pre>
        <p>A client gets it, and every later release, as soon as it is published:</p>
        <pre>{`curl '${location.origin}/rollcall/v1/config/resolve?app=shop&name=app.yaml'`}</pre>
      </Show>
    </section>
  );
}
