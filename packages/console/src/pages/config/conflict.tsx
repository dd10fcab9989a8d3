/** Two versions of one draft: that of the other editor on the left, the operator's own on the right, where it can be changed. */

import { createSignal, onCleanup, onMount, type JSX } from 'solid-js';
import type { ConfigDraft } from '@rollcall/protocol';
import type { Comparison } from './editor.ts';

export function Conflict(props: { readonly theirs: ConfigDraft; readonly mine: string; readonly format: string; readonly save: (merged: string) => void; readonly onClose: () => void }): JSX.Element {
  let host!: HTMLDivElement;
  const [comparison, setComparison] = createSignal<Comparison>();
  onMount(() => {
    let isGone = false;
    void import('./editor.ts').then(({ openComparison }) => {
      if (!isGone) setComparison(openComparison(host, props.theirs.content, props.mine, props.format, ['Theirs', 'Yours'], true));
    });
    onCleanup(() => {
      isGone = true;
      comparison()?.close();
    });
  });
  return (
    <section class="config-merge" aria-label="Merge with the other editor">
      <div class="config-sides"><span>theirs, saved</span><span>yours: change it, or take a part of theirs by the arrow</span></div>
      <div class="config-editor" ref={host} tabindex="-1" />
      <p>
        <button type="button" class="primary" disabled={comparison() === undefined} onClick={() => props.save(comparison()?.content() ?? props.mine)}>Save the right side</button>{' '}
        <button type="button" onClick={() => props.onClose()}>Later</button>
      </p>
    </section>
  );
}
