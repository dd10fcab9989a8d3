/** Two texts side by side. The program that compares them is loaded when it is first needed. */

import { onCleanup, onMount, Show, type JSX } from 'solid-js';
import './sides.css';

export function Sides(props: { readonly before: string; readonly after: string; readonly format: string; readonly labels: readonly [string, string] }): JSX.Element {
  let host!: HTMLDivElement;
  onMount(() => {
    let close: (() => void) | undefined;
    let isGone = false;
    void import('./editor.ts').then(({ openComparison }) => {
      if (!isGone) close = openComparison(host, props.before, props.after, props.format, props.labels).close;
    });
    onCleanup(() => {
      isGone = true;
      close?.();
    });
  });
  return (
    <>
      <div class="config-sides" aria-hidden="true"><span>{props.labels[0]}</span><span>{props.labels[1]}</span></div>
      <Show when={props.before === props.after}><p class="hint" role="status">Both are the same.</p></Show>
      <div class="config-editor" ref={host} tabindex="-1" />
    </>
  );
}
