/** What an action came to, and for 30 seconds a way to take it back. A page has one line of it, for its last action. */

import { createSignal, onCleanup, Show, type Accessor, type JSX } from 'solid-js';

/** How long an action can be taken back. */
export const undoMs = 30_000;

export interface Done {
  readonly text: string;
  readonly isError: boolean;
  /** Takes the action back, and may say what that came to; undefined when that is not possible. */
  readonly undo: (() => Promise<string | void>) | undefined;
}

export interface Outcome {
  readonly shown: Accessor<Done | undefined>;
  /** Runs an action and shows what it came to; an error is shown in its place. @param act returns what has happened, for people */
  readonly run: (act: () => Promise<{ readonly text: string; readonly undo?: () => Promise<string | void> }>) => Promise<void>;
}

export function createOutcome(): Outcome {
  const [shown, setShown] = createSignal<Done>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = (done: Done | undefined): void => {
    clearTimeout(timer);
    setShown(done);
    timer = setTimeout(() => setShown(undefined), undoMs);
  };
  onCleanup(() => clearTimeout(timer));
  return {
    shown,
    run: async (act) => {
      try {
        const { text, undo } = await act();
        show({ text, isError: false, undo });
      } catch (error) {
        show({ text: error instanceof Error ? error.message : String(error), isError: true, undo: undefined });
      }
    },
  };
}

export function OutcomeLine(props: { readonly outcome: Outcome }): JSX.Element {
  return (
    <Show when={props.outcome.shown()}>
      {(done) => (
        <div class="outcome" classList={{ error: done().isError }} role={done().isError ? 'alert' : 'status'}>
          {done().text}{' '}
          <Show when={done().undo}>{(undo) => <button type="button" onClick={() => void props.outcome.run(async () => ({ text: (await undo()()) ?? 'Taken back.' }))}>Undo</button>}</Show>
        </div>
      )}
    </Show>
  );
}
