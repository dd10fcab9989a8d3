/** The content of a view at a past time, from the server's history. It is asked for once for each time. */

import { createEffect, createSignal, onCleanup, type Accessor } from 'solid-js';
import type { FrameItem, ItemView, PastView } from '@rollcall/protocol';
import { ask } from '../api.ts';
import { asOfMs } from './as-of.ts';

export interface PastContent {
  readonly items: readonly FrameItem[];
  readonly isPartial: boolean;
  readonly error: string | undefined;
}

/** @returns undefined before the first answer; while the content of another time is on its way, the one before stays */
export function pastOf({ kind, namespace = 'default', name }: ItemView): Accessor<PastContent | undefined> {
  const [content, setContent] = createSignal<PastContent>();
  createEffect(() => {
    const atMs = asOfMs();
    let isWanted = true;
    onCleanup(() => (isWanted = false));
    if (atMs === undefined) {
      setContent(undefined);
      return;
    }
    const query = new URLSearchParams({ kind, namespace, name, at: String(atMs) });
    ask<PastView>('GET', `/rollcall/v1/history/view?${query.toString()}`).then(
      ({ items, partial }) => isWanted && setContent({ items, isPartial: partial === true, error: undefined }),
      (error: unknown) => isWanted && setContent({ items: [], isPartial: false, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  return content;
}
