/** One key with its value, live: as text, JSON or bytes; an editor that never overwrites what it has not shown. */

import { createMemo, createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { KvItem } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import type { LiveViews } from '../../live/views.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { place, refine } from '../../place.ts';
import { denials } from '../../session.ts';
import { AgainstNow } from './against-now.tsx';
import { ReasonBox } from './reason-box.tsx';
import type { KeyStore } from './store.ts';
import { base64Of, bytesOf, formOf, hexBytesMax, hexOf, prettyJson, textOf, type ValueForm } from './value.ts';

export interface KeyEntryProps {
  readonly live: LiveViews;
  readonly namespace: string;
  /** The key; `key` is a word of the framework. */
  readonly key_: string;
  readonly store: KeyStore;
  readonly outcome: Outcome;
  readonly onClose: () => void;
}

const formNames: Readonly<Record<ValueForm, string>> = { text: 'Text', json: 'JSON', hex: 'Bytes' };

export function KeyEntry(props: KeyEntryProps): JSX.Element {
  const shown = props.live.watch<KvItem>({ kind: 'key', namespace: props.namespace, name: props.key_ });
  const isComparing = (): boolean => place().query.get('compare') === 'now';
  const item = (): KvItem | undefined => shown().items.get(props.key_);
  const [refused] = createResource(() => denials([{ namespace: props.namespace, resource: 'key', verb: 'write', name: props.key_ }]).then(([denial]) => denial));
  const [edited, setEdited] = createSignal<Edit>();
  const [isDeleting, setDeleting] = createSignal(false);
  const [reason, setReason] = createSignal('');

  const remove = async (present: KvItem): Promise<void> => {
    setDeleting(false);
    await props.outcome.run(async () => ({ text: `${present.key} is deleted.`, undo: await props.store.delete(present, reason()) }));
    setReason('');
  };

  return (
    <section class="detail entry" aria-label={`Value of ${props.key_}`}>
      <h2>{props.key_}</h2>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={item()} fallback={<Show when={shown().isReady && shown().error === undefined}><p class="hint">The key does not exist{edited() === undefined ? '' : ' any more'}.</p></Show>}>
        {(present) => (
          <>
            <p class="hint">revision {present().revision} · flags {present().flags} · {bytesOf(present().value).length} B<Show when={present().session}>{(session) => <> · held by session <code>{session()}</code></>}</Show></p>
            <Show when={edited() === undefined}>
              <Value item={present()} />
              <div class="tools">
                <ActionButton denial={refused()} impossible={pastReason() ?? (textOf(bytesOf(present().value)) === undefined ? 'the value is no text; write it with "rollcall kv put KEY @FILE"' : undefined)} onClick={() => setEdited({ base: present(), text: textOf(bytesOf(present().value)) ?? '', flags: present().flags })}>Edit</ActionButton>
                <ActionButton kind="danger" denial={refused()} impossible={pastReason()} onClick={() => setDeleting(true)}>Delete</ActionButton>
                <button type="button" onClick={() => props.onClose()}>Close</button>
              </div>
              <Show when={isDeleting()}>
                <div class="question" role="group" aria-label="Confirm">
                  <p>Delete <strong>{present().key}</strong>?{present().session === undefined ? '' : ' The session that holds it loses it.'}</p>
                  <ReasonBox text={reason()} onText={setReason} />
                  <button type="button" autofocus onClick={() => void remove(present())}>Delete</button>{' '}
                  <button type="button" onClick={() => setDeleting(false)}>Cancel</button>
                </div>
              </Show>
            </Show>
          </>
        )}
      </Show>
      <Show when={pastReason() !== undefined && shown().isReady && shown().error === undefined}>
        <div class="tools"><button type="button" aria-pressed={isComparing()} onClick={() => refine({ compare: isComparing() ? '' : 'now' })}>Compare with now</button></div>
        <Show when={isComparing()}><AgainstNow store={props.store} key_={props.key_} then={item()} /></Show>
      </Show>
      <Show when={edited() !== undefined}><Editor {...props} present={item()} edited={edited() as Edit} onEdit={setEdited} /></Show>
    </section>
  );
}

interface Edit {
  /** What the operator began with, and what a save replaces. */
  readonly base: KvItem | undefined;
  readonly text: string;
  readonly flags: string;
  readonly reason?: string;
}

function Editor(props: KeyEntryProps & { readonly present: KvItem | undefined; readonly edited: Edit; readonly onEdit: (edit: Edit | undefined) => void }): JSX.Element {
  const isChanged = (): boolean => props.present?.revision !== props.edited.base?.revision;
  const isFlags = (): boolean => /^\d{1,20}$/.test(props.edited.flags) && BigInt(props.edited.flags) < 2n ** 64n;
  const save = async (base: KvItem | undefined): Promise<void> => {
    const { text, flags } = props.edited;
    await props.outcome.run(async () => {
      // When the key has changed, nothing is written, and the page shows both values as soon as the other one arrives.
      const undo = await props.store.put(props.key_, { value: base64Of(text), flags }, base, props.edited.reason ?? '');
      props.onEdit(undefined);
      return { text: `${props.key_} is written.`, undo };
    });
  };
  return (
    <form class="edit" aria-label="Edit the value" onSubmit={(event) => (event.preventDefault(), void save(props.edited.base))}>
      <Show when={isChanged()}>
        <div class="conflict" role="alert">
          <p>The key has been {props.present === undefined ? 'deleted' : 'changed'} since you began. {props.present === undefined ? '' : 'It has this value now:'}</p>
          <Show when={props.present}>{(present) => <pre tabindex="0">{textOf(bytesOf(present().value)) ?? 'bytes that are no text'}</pre>}</Show>
          <p>Yours is below.</p>
          <button type="button" onClick={() => props.onEdit(props.present === undefined ? undefined : { base: props.present, text: textOf(bytesOf(props.present.value)) ?? '', flags: props.present.flags })}>{props.present === undefined ? 'Leave it deleted' : 'Take the other value'}</button>{' '}
          <button type="button" onClick={() => void save(props.present)}>{props.present === undefined ? 'Create it again with mine' : 'Replace it with mine'}</button>
        </div>
      </Show>
      <label>
        Value
        <textarea rows="12" spellcheck={false} value={props.edited.text} onInput={(event) => props.onEdit({ ...props.edited, text: event.currentTarget.value })} ref={(area) => queueMicrotask(() => area.focus())} />
      </label>
      <label class="flags">Flags <input inputmode="numeric" value={props.edited.flags} onInput={(event) => props.onEdit({ ...props.edited, flags: event.currentTarget.value })} /></label>
      <Show when={!isFlags()}><p class="error">Flags must be a number from 0 to 18446744073709551615.</p></Show>
      <ReasonBox text={props.edited.reason ?? ''} onText={(reason) => props.onEdit({ ...props.edited, reason })} />
      <div class="tools">
        <button type="submit" disabled={isChanged() || !isFlags()}>Save</button>
        <button type="button" disabled={prettyJson(props.edited.text) === undefined} onClick={() => props.onEdit({ ...props.edited, text: prettyJson(props.edited.text) ?? '' })}>Format as JSON</button>
        <button type="button" onClick={() => props.onEdit(undefined)}>Cancel</button>
      </div>
    </form>
  );
}

function Value(props: { readonly item: KvItem }): JSX.Element {
  const bytes = createMemo(() => bytesOf(props.item.value));
  const text = createMemo(() => textOf(bytes()));
  const [chosen, setChosen] = createSignal<ValueForm>();
  const form = (): ValueForm => chosen() ?? formOf(text());
  const forms = (): readonly ValueForm[] => [...(text() === undefined ? [] : (['text'] as const)), ...(text() !== undefined && prettyJson(text() ?? '') !== undefined ? (['json'] as const) : []), 'hex'];
  const content = (): string => (form() === 'hex' ? hexOf(bytes()) : form() === 'json' ? (prettyJson(text() ?? '') ?? text() ?? '') : (text() ?? ''));
  return (
    <>
      <div class="forms" role="group" aria-label="Show as">
        <For each={forms()}>{(each) => <button type="button" aria-pressed={form() === each} onClick={() => setChosen(each)}>{formNames[each]}</button>}</For>
      </div>
      <pre tabindex="0">{content()}</pre>
      <Show when={form() === 'hex' && bytes().length > hexBytesMax}><p class="hint">the first {hexBytesMax} bytes</p></Show>
    </>
  );
}
