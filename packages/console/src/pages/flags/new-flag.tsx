/** Asks for the key of a new flag, and saves it in the draft: off, with the variants on and off. */

import { createSignal, Show, type JSX } from 'solid-js';
import { Dialog } from '../../parts/dialog.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { readFlags, withFlag } from './definition.ts';
import type { FlagContent, SetRef } from './flag-sets.ts';
import { saveDraft } from './save-draft.ts';

export interface NewFlagProps {
  readonly set: SetRef;
  readonly content: FlagContent;
  readonly outcome: Outcome;
  readonly onClose: () => void;
  readonly onCreated: (key: string) => void;
}

/** It changes nothing for any program until an operator turns it on. */
const fresh = { state: 'DISABLED', variants: { on: true, off: false }, defaultVariant: 'off' } as const;

export function NewFlag(props: NewFlagProps): JSX.Element {
  const [key, setKey] = createSignal('');
  const text = (): string => props.content.draft ?? props.content.release ?? '{"flags":{}}';
  const exists = (): boolean => {
    const read = readFlags(text());
    return read.ok && read.flags.some((flag) => flag.key === key().trim());
  };
  const create = async (): Promise<void> => {
    props.onClose();
    await props.outcome.run(async () => {
      const undo = await saveDraft(props.set, props.content, withFlag(text(), key().trim(), fresh));
      props.onCreated(key().trim());
      return { text: `${key().trim()} is in the draft.`, undo };
    });
  };
  return (
    <Dialog title="New flag" onClose={() => props.onClose()}>
      <form onSubmit={(event) => (event.preventDefault(), void create())}>
        <label>Key <input required value={key()} placeholder="new-checkout" onInput={(event) => setKey(event.currentTarget.value)} /></label>
        <Show when={exists()}><p class="error">The set has this flag already.</p></Show>
        <div class="tools">
          <button type="submit" class="primary" disabled={key().trim() === '' || exists()}>Create in the draft</button>
          <button type="button" onClick={() => props.onClose()}>Cancel</button>
        </div>
      </form>
    </Dialog>
  );
}
