/** A watched view as an AsyncIterable of its newest content. */

import type { FrameItem, FrameView } from '@rollcall/protocol';
import { latest } from './latest.ts';
import type { WatchedViews } from '../connection/watched-views.ts';

export interface ViewState {
  readonly items: readonly FrameItem[];
  readonly revision: number;
}

/**
 * @param read makes the value that readers get
 * @param signal ends the iteration by throwing its reason
 * @returns an iterable that ends when the client closes, and throws when the registry does not serve the view
 */
export function follow<T>(
  views: WatchedViews,
  view: FrameView,
  read: (state: ViewState) => T,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<T, undefined> {
  return latest<T>((values) => {
    if (views.isClosed) values.end();
    const cached = views.useAgain(view);
    let told = 0;
    const look = () => {
      const { items, revision, stamp, hopeless } = cached;
      if (items !== undefined && revision !== undefined && stamp !== told) {
        told = stamp;
        values.push(read({ items, revision }));
      }
      if (views.isClosed) values.end();
      else if (hopeless !== undefined) values.fail(hopeless);
    };
    const stop = cached.listen(look);
    look();
    return stop;
  }, signal);
}
