/** A dialog of the browser's own kind: it keeps the focus inside, Escape closes it, and the focus goes back to where it was. */

import { onMount, type JSX } from 'solid-js';
import { closesOnce } from './closing.ts';
import { returnsFocus } from './focus.ts';

export function Dialog(props: { readonly title: string; readonly onClose: () => void; readonly children: JSX.Element }): JSX.Element {
  let dialog!: HTMLDialogElement;
  let title!: HTMLHeadingElement;
  const close = closesOnce(() => dialog, () => props.onClose());
  returnsFocus();
  onMount(() => {
    dialog.showModal();
    // The browser may choose a part that scrolls, which says nothing to a screen reader.
    if (document.activeElement?.matches('button, input, select, textarea, a') !== true) title.focus();
  });
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onCancel={close} onClose={close}>
      <h2 ref={title} id="dialog-title" tabindex="-1">{props.title}</h2>
      {props.children}
    </dialog>
  );
}
