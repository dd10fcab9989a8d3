/** Asks for a key that does not exist yet, and its value. */

import { createResource, createSignal, Show, type JSX } from 'solid-js';
import { Dialog } from '../../parts/dialog.tsx';
import { DenialText } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { denials } from '../../session.ts';
import { ReasonBox } from './reason-box.tsx';
import type { KeyStore } from './store.ts';
import { base64Of } from './value.ts';

export interface NewKeyProps {
  readonly namespace: string;
  readonly folder: string;
  readonly store: KeyStore;
  readonly outcome: Outcome;
  readonly onClose: () => void;
  readonly onCreated: (key: string) => void;
}

export function NewKey(props: NewKeyProps): JSX.Element {
  const [name, setName] = createSignal(props.folder);
  const [value, setValue] = createSignal('');
  const [reason, setReason] = createSignal('');
  const [refused] = createResource(name, (key) => denials([{ namespace: props.namespace, resource: 'key', verb: 'write', name: key }]).then(([denial]) => denial));
  const create = async (): Promise<void> => {
    props.onClose();
    await props.outcome.run(async () => {
      const undo = await props.store.put(name(), { value: base64Of(value()), flags: '0' }, undefined, reason());
      props.onCreated(name());
      return { text: `${name()} is created.`, undo };
    });
  };
  return (
    <Dialog title="New key" onClose={() => props.onClose()}>
      <form class="edit" onSubmit={(event) => (event.preventDefault(), void create())}>
        <label>Key <input value={name()} required onInput={(event) => setName(event.currentTarget.value)} /></label>
        <label>Value <textarea rows="6" spellcheck={false} value={value()} onInput={(event) => setValue(event.currentTarget.value)} /></label>
        <ReasonBox text={reason()} onText={setReason} />
        <Show when={refused.latest}>{(denial) => <p class="hint"><DenialText denial={denial()} /></p>}</Show>
        <div class="tools">
          <button type="submit" disabled={name() === '' || name().endsWith('/') || (refused.latest ?? undefined) !== undefined}>Create</button>
          <button type="button" onClick={() => props.onClose()}>Cancel</button>
        </div>
      </form>
    </Dialog>
  );
}
