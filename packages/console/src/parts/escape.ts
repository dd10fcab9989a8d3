/** Lets Escape close a part of a page before it leads back: the part that was opened last. */

import { onCleanup, onMount } from 'solid-js';

const open: (() => void)[] = [];

/** While the component lives, Escape calls `close`. A dialog has its own Escape. */
export function closesByEscape(close: () => void): void {
  onMount(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || open.at(-1) !== close || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      close();
    };
    open.push(close);
    document.addEventListener('keydown', onKey);
    onCleanup(() => {
      open.splice(open.lastIndexOf(close), 1);
      document.removeEventListener('keydown', onKey);
    });
  });
}
