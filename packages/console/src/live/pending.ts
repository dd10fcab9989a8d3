/** How many contents of the page have not come yet. The page says so to screen readers (`aria-busy`), and tests wait for it. */

import { createSignal, onCleanup } from 'solid-js';

const [pending, setPending] = createSignal(0);

export function isBusy(): boolean {
  return pending() > 0;
}

/** Counts one content until it comes or its component goes. @returns call it when the content has come; again does nothing */
export function pendingContent(): () => void {
  let isPending = true;
  setPending((count) => count + 1);
  const come = (): void => {
    if (!isPending) return;
    isPending = false;
    setPending((count) => count - 1);
  };
  onCleanup(come);
  return come;
}
