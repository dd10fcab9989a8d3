/** Where the focus goes when a page is opened, and when an operator moves in a list of which only the rows in sight are in the page. */

import { onCleanup } from 'solid-js';

/** After a page has been opened, its heading has the focus: a screen reader says where the operator is, and Tab goes on from there. @returns stops waiting for the heading */
export function focusHeading(main: HTMLElement): () => void {
  const found = (): boolean => {
    const heading = main.querySelector('h1');
    if (heading === null) return false;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    return true;
  };
  const observer = new MutationObserver(() => found() && observer.disconnect());
  if (!found()) observer.observe(main, { childList: true, subtree: true });
  main.scrollTo(0, 0);
  return () => observer.disconnect();
}

/** Gives the focus to the list of the page, whose own keys move in it from then on. @returns whether there is one with rows */
export function focusList(): boolean {
  const row = document.querySelector<HTMLElement>('main .scroller [tabindex="0"]');
  row?.focus();
  return row !== null;
}

/** Gives the focus to the heading of the page. @returns whether there is one */
export function focusTitle(): boolean {
  const heading = document.querySelector<HTMLElement>('main h1');
  heading?.focus({ preventScroll: true });
  return heading !== null;
}

/** Gives the focus back when the component goes and takes it along: a part of a page that is removed leaves it nowhere. @param elsewhere where, instead of the element that had it before */
export function returnsFocus(elsewhere: () => boolean = () => false): void {
  const before = document.activeElement;
  onCleanup(() => queueMicrotask(() => {
    if (document.activeElement !== document.body || elsewhere()) return;
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  }));
}

/** A row that was out of sight is drawn in one of the next frames. */
const framesMax = 10;

/** Gives the focus to a row of a list that has just been scrolled to it. */
export function focusRow(list: HTMLElement, selector: string, frames = framesMax): void {
  const row = list.querySelector<HTMLElement>(selector);
  if (row !== null) row.focus();
  else if (frames > 0) requestAnimationFrame(() => focusRow(list, selector, frames - 1));
}
