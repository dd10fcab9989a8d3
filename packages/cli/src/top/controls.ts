/** What each key of `rollcall top` does to what is shown. Pure. */

import type { Sorting } from './rows.ts';

export interface View {
  readonly sorting: Sorting;
  readonly filter: string;
  readonly isTyping: boolean;
  readonly isPaused: boolean;
  readonly offset: number;
}

const sortingOf: Readonly<Record<string, Sorting>> = { n: 'name', t: 'trouble', i: 'instances', p: 'picks', f: 'failures', l: 'p99' };

/** Longest filter. */
const filterMax = 255;

/** @param page lines of one page @returns undefined: the key ends the command */
export function pressed(view: View, key: string, page: number): View | undefined {
  if (key === '\x03') return undefined;
  if (view.isTyping) return typed(view, key);
  const scrolled = (by: number): View => ({ ...view, offset: Math.max(0, view.offset + by) });
  const sorting = sortingOf[key];
  if (sorting !== undefined) return { ...view, sorting, offset: 0 };
  switch (key) {
    case 'q':
      return undefined;
    case '/':
      return { ...view, isTyping: true };
    case '\x1b':
      return { ...view, filter: '', offset: 0 };
    case ' ':
      return { ...view, isPaused: !view.isPaused };
    case 'j':
    case '\x1b[B':
      return scrolled(1);
    case 'k':
    case '\x1b[A':
      return scrolled(-1);
    case '\x1b[6~':
      return scrolled(page);
    case '\x1b[5~':
      return scrolled(-page);
    default:
      return view;
  }
}

function typed(view: View, key: string): View {
  switch (key) {
    case '\r':
    case '\n':
      return { ...view, isTyping: false };
    case '\x1b':
      return { ...view, isTyping: false, filter: '' };
    case '\x7f':
    case '\b':
      return { ...view, filter: view.filter.replace(/.$/su, '') };
    default:
      return key < ' ' || key.startsWith('\x1b') || view.filter.length >= filterMax ? view : { ...view, filter: view.filter + key, offset: 0 };
  }
}
