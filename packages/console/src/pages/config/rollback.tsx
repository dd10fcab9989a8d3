/** Going back to an older release: what changes, and why. Clients get its content as a new release, at once. */

import { createResource, createSignal, Show, type JSX } from 'solid-js';
import type { ConfigRelease } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { Dialog } from '../../parts/dialog.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { session } from '../../session.ts';
import { pathOf, titleOf } from './data.ts';
import { author, formatOf, type Model, setAuthor } from './model.ts';
import { Sides } from './sides.tsx';

export function Rollback(props: { readonly model: Model; readonly to: number; readonly outcome: Outcome; readonly onClose: () => void }): JSX.Element {
  const { model } = props;
  const [target] = createResource(() => ask<ConfigRelease>('GET', pathOf('/release', model.of, { number: String(props.to) })));
  const [reason, setReason] = createSignal('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    void props.outcome.run(async () => {
      const why = reason().trim() === '' ? {} : { message: reason().trim() };
      const { done, release } = await model.change<{ readonly done: boolean; readonly release?: number }>('/rollback', { to: props.to, ...why });
      return { text: done ? `Clients get the content of release ${props.to} again, as release ${release ?? ''}.` : 'Clients have that content already.' };
    });
    props.onClose();
  };
  return (
    <Dialog title={`Roll ${titleOf(model.of)} back to release ${props.to}`} onClose={props.onClose}>
      <form class="config-sheet" onSubmit={submit}>
        <div class="config-sheet-body">
          <Show when={target.error as Error | undefined}>{(error) => <p class="error" role="alert">{error().message}</p>}</Show>
          <Show when={target.error === undefined && target()} keyed>
            {(release) => <Sides before={model.one().content?.current?.content ?? ''} after={release.content} format={formatOf(model)} labels={['what clients have', `release ${props.to}`]} />}
          </Show>
        </div>
        <footer>
          <Show when={session()?.accessControl === false}><label class="config-who">Your name<input value={author()} onInput={(event) => setAuthor(event.currentTarget.value)} /></label></Show>
          <label class="config-reason">Reason<input value={reason()} onInput={(event) => setReason(event.currentTarget.value)} autofocus /></label>
          <p><button type="submit" class="danger">Roll back</button>{' '}<button type="button" onClick={() => props.onClose()}>Cancel</button> <span class="hint">It needs no approval, and works in a freeze.</span></p>
        </footer>
      </form>
    </Dialog>
  );
}
