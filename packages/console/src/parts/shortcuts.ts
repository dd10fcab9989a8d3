/** The keys that work on every page. A page that uses a key itself calls `preventDefault`; then it does nothing here. */

import { pageTable } from '../page-table.ts';
import { go, hrefOf, place } from '../place.ts';
import { focusList } from './focus.ts';

export interface FrameActions {
  readonly pause: () => void;
  readonly help: () => void;
  readonly search: () => void;
}

/** Whether the keys of the browser begin with ⌘. */
export const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** How long after `g` the key of a page counts. */
const goMs = 1_500;

/** @returns removes them */
export function listenToKeys(actions: FrameActions): () => void {
  let goUntilMs = 0;
  const onKey = (event: KeyboardEvent): void => {
    const { key, target } = event;
    if (event.defaultPrevented) return;
    if (key.toLowerCase() === 'k' && (event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      actions.search();
      return;
    }
    // A dialog has its own keys.
    if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector('dialog[open]') !== null) return;
    const wasGoing = event.timeStamp < goUntilMs;
    goUntilMs = 0;
    if (isTyping(target)) {
      if (key === 'Escape') (target as HTMLElement).blur();
      return;
    }
    const wanted = wasGoing ? pageTable.find((each) => each.key === key) : undefined;
    if (wanted !== undefined) go(hrefOf(wanted.part === '' ? [] : [wanted.part]));
    else if (key === 'g') goUntilMs = event.timeStamp + goMs;
    else if (key === ' ' && !takesSpace(target)) actions.pause();
    else if ((key === 'j' || key === 'k') && focusList()) event.preventDefault();
    else if (key === '?') actions.help();
    else if (key === 'Escape' && place().parts.length > 0) go(hrefOf(place().parts.slice(0, -1)));
    else return;
    event.preventDefault();
  };
  // After the handlers of the page, which are on the document.
  window.addEventListener('keydown', onKey);
  return () => window.removeEventListener('keydown', onKey);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLElement && target.isContentEditable);
}

function takesSpace(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('button, summary, [role=tab], [role=option], [role=treeitem], [role=menuitem]') !== null;
}
