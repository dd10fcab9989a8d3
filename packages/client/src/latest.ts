/**
 * Turns calls of a listener into an AsyncIterable that keeps only the newest value: a reader that is
 * slow misses values in between and never falls behind.
 */

export interface Latest<T> {
  /** Offers a newer value, in place of one that was not read yet. */
  push(value: T): void;
  /** Ends the iteration after the value that was not read yet, if there is one. */
  end(): void;
}

/**
 * @param start called when the iteration starts, with where to put the values; returns what ends it
 * @param signal ends the iteration by throwing its reason, also at its start
 */
export async function* latest<T>(
  start: (values: Latest<T>) => () => void,
  signal?: AbortSignal,
): AsyncGenerator<T, void> {
  signal?.throwIfAborted();
  let newest: { readonly value: T } | undefined;
  let ended = false;
  let wake = () => {};
  const stop = start({
    push(value) {
      newest = { value };
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  });
  const onAbort = () => wake();
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (newest !== undefined) {
        const { value } = newest;
        newest = undefined;
        yield value;
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stop();
  }
}
