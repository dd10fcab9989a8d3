/** Asks before all keys under a prefix are deleted, and says how many they are. */

import { createResource, createSignal, Show, type JSX } from 'solid-js';
import type { KeyCount } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import type { Outcome } from '../../parts/outcome.tsx';
import { ReasonBox } from './reason-box.tsx';
import { treeUndoMax, type KeyStore } from './store.ts';

export interface DeleteTreeProps {
  readonly namespace: string;
  readonly prefix: string;
  readonly store: KeyStore;
  readonly outcome: Outcome;
  readonly onClose: () => void;
}

export function DeleteTree(props: DeleteTreeProps): JSX.Element {
  const [count] = createResource(async () => (await ask<KeyCount>('GET', `/rollcall/v1/keys/count?${String(new URLSearchParams({ namespace: props.namespace, prefix: props.prefix }))}`)).count);
  const [reason, setReason] = createSignal('');
  const remove = async (keys: number): Promise<void> => {
    props.onClose();
    await props.outcome.run(async () => {
      const undo = await props.store.deleteTree(props.prefix, keys, reason());
      return { text: `${keys} keys under ${props.prefix} are deleted.`, ...(undo === undefined ? {} : { undo }) };
    });
  };
  return (
    <div class="question" role="group" aria-label="Confirm">
      <Show when={count.latest !== undefined} fallback={<p role="status">{count.error === undefined ? 'Counting …' : String(count.error)}</p>}>
        <p>
          Delete all {count.latest} keys under <strong>{props.prefix}</strong>?{' '}
          {(count.latest ?? 0) > treeUndoMax ? `This cannot be taken back: more than ${treeUndoMax} keys are not remembered.` : 'It can be taken back for 30 seconds.'}
        </p>
      </Show>
      <ReasonBox text={reason()} onText={setReason} />
      <button type="button" autofocus disabled={count.latest === undefined} onClick={() => void remove(count.latest ?? 0)}>Delete {count.latest ?? ''} keys</button>{' '}
      <button type="button" onClick={() => props.onClose()}>Cancel</button>
    </div>
  );
}
