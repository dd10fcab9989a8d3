/** The answer to a request, asked for again when what it depends on changes. Unlike a resource of Solid it never hides the page while it is on its way. */

import { createEffect, createSignal, onCleanup, type Accessor } from 'solid-js';

export interface Answered<T> {
  /** The last answer; it stays while the next one is on its way. */
  readonly value: T | undefined;
  /** For people. */
  readonly error: string | undefined;
}

/** @param ask undefined: there is nothing to ask now */
export function answerTo<T>(ask: () => Promise<T> | undefined): Accessor<Answered<T>> {
  const [answered, setAnswered] = createSignal<Answered<T>>({ value: undefined, error: undefined });
  createEffect(() => {
    let isWanted = true;
    onCleanup(() => (isWanted = false));
    ask()?.then(
      (value) => isWanted && setAnswered({ value, error: undefined }),
      (error: unknown) => isWanted && setAnswered({ value: undefined, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  return answered;
}
