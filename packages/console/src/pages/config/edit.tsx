/**
 * The content, for those who may edit it: a draft that is saved on the condition that it is still the one which the operator began with. When another
 * editor was faster, both versions are shown side by side, and nothing is lost.
 */

import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { configFormats, type ConfigDraft, type ConfigVerdict } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { Conflict } from './conflict.tsx';
import { pathOf, titleOf } from './data.ts';
import type { Editor } from './editor.ts';
import { InheritedKeys, marksOf } from './inherited.tsx';
import { draftFormat, formatOf, type Model } from './model.ts';
import { PublishSheet } from './publish-sheet.tsx';
import { hasSecrets, Revealed } from './revealed.tsx';

interface Base {
  /** Of the draft; 0: there was none. */
  readonly revision: number;
  readonly content: string;
}

interface Unsaved extends Base {
  readonly text: string;
}

/** Texts that an operator has left without saving, by configuration: the way back finds them. */
const left = new Map<string, Unsaved>();

export function EditPart(props: { readonly model: Model; readonly outcome: Outcome }): JSX.Element {
  return (
    <Show when={props.model.one().content !== undefined} fallback={<p class="empty" role="status">Loading …</p>}>
      <Editing {...props} />
    </Show>
  );
}

function Editing(props: { readonly model: Model; readonly outcome: Outcome }): JSX.Element {
  const { model, outcome } = props;
  const key = JSON.stringify(model.of);
  const stored = createMemo((): Base => ({ revision: model.draft()?.revision ?? 0, content: contentOf(model) }), undefined, { equals: (a, b) => a?.revision === b?.revision && a?.content === b?.content });
  const found = left.get(key);
  const [base, setBase] = createSignal<Base>(found ?? stored());
  const [text, setText] = createSignal(found?.text ?? stored().content);
  const [conflict, setConflict] = createSignal<ConfigDraft>();
  const [isMerging, setMerging] = createSignal(false);
  const [isPublishing, setPublishing] = createSignal(false);
  const [isRevealing, setRevealing] = createSignal(false);
  const [faultCount, setFaultCount] = createSignal(0);
  const [editor, setEditor] = createSignal<Editor>();
  const isDirty = createMemo(() => text() !== base().content || model.chosenFormat() !== undefined);
  const impossible = (): string | undefined => model.fixed();
  const isReadOnly = createMemo(() => model.denied()?.edit !== null || impossible() !== undefined);
  const show = (next: Base): void => {
    setBase(next);
    setText(next.content);
    model.chooseFormat(undefined);
    editor()?.setContent(next.content);
  };
  createEffect(() => {
    const next = stored();
    const { revision } = base();
    if (!isDirty()) show(next);
    else if (next.revision !== revision) setConflict(model.draft());
  });

  /** @returns the revision of the draft; undefined when another editor was faster */
  const save = async (content: string, over: number): Promise<number | undefined> => {
    const { done, revision } = await model.change<{ readonly done: boolean; readonly revision?: number }>('/draft/save', { content, format: draftFormat(model), cas: over });
    if (!done || revision === undefined) {
      setConflict(await ask<ConfigDraft>('GET', pathOf('/draft', model.of)).catch(() => undefined));
      return undefined;
    }
    setBase({ revision, content });
    model.chooseFormat(undefined);
    setConflict(undefined);
    setMerging(false);
    return revision;
  };
  const saveNow = (): void => {
    if (isReadOnly() || conflict() !== undefined || (!isDirty() && model.draft() !== undefined)) return;
    void outcome.run(async () => ({ text: (await save(text(), base().revision)) === undefined ? 'Another editor has saved the draft meanwhile. Yours is still here.' : 'The draft is saved. Clients get it when it is published.' }));
  };
  const discard = (): void =>
    void outcome.run(async () => {
      const draft = model.draft();
      if (draft !== undefined) await model.change('/draft/discard', { cas: draft.revision });
      show({ revision: 0, content: model.one().content?.current?.content ?? '' });
      return { text: 'The draft is thrown away.', ...(draft === undefined ? {} : { undo: async () => void (await model.change('/draft/save', { content: draft.content, format: draftFormat(model), cas: 0 })) }) };
    });
  const publish = (): void => {
    if (conflict() === undefined && impossible() === undefined && (isDirty() || model.draft() !== undefined)) setPublishing(true);
  };

  onMount(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      const isTyping = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || document.querySelector('dialog[open]') !== null;
      const isCommand = event.metaKey || event.ctrlKey;
      if (isTyping) return;
      if (isCommand && event.key === 'Enter') publish();
      else if (isCommand && event.key === 's') saveNow();
      else if (!isCommand && !event.altKey && event.key === 'e') editor()?.focus();
      else return;
      event.preventDefault();
    };
    const onLeave = (event: BeforeUnloadEvent): void => {
      if (isDirty()) event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    window.addEventListener('beforeunload', onLeave);
    onCleanup(() => {
      document.removeEventListener('keydown', onKey);
      window.removeEventListener('beforeunload', onLeave);
      if (isDirty()) left.set(key, { ...base(), text: text() });
      else left.delete(key);
    });
  });

  const check = async (content: string): Promise<ConfigVerdict['faults']> => {
    if (isReadOnly()) return [];
    const { faults } = await ask<ConfigVerdict>('POST', pathOf('/check', model.of), { content, format: draftFormat(model) });
    setFaultCount(faults.length);
    return faults;
  };
  /** Other protocols have formats of their own. */
  const formats = (): readonly string[] => [...new Set<string>([...configFormats, draftFormat(model)])];
  const needsApproval = (): boolean => (model.environment().policy.approvals ?? 0) > 0;
  const nothingToPublish = (): string | undefined => impossible() ?? (conflict() !== undefined ? 'first solve the conflict with the other editor' : isDirty() || model.draft() !== undefined ? undefined : 'nothing has changed: edit the content first');
  return (
    <>
      <div class="tools config-actions">
        <ActionButton denial={model.denied()?.edit} impossible={impossible() ?? (conflict() !== undefined ? 'first solve the conflict with the other editor' : isDirty() || (model.draft() === undefined && model.one().content?.current === undefined) ? undefined : 'nothing has changed')} onClick={saveNow}>Save draft <kbd>Ctrl S</kbd></ActionButton>
        <ActionButton kind="primary" denial={model.denied()?.edit} impossible={nothingToPublish()} onClick={publish}>{needsApproval() ? 'Propose …' : 'Publish …'} <kbd>Ctrl ↵</kbd></ActionButton>
        <Show when={model.draft() !== undefined || isDirty()}><ActionButton kind="danger" denial={model.denied()?.edit} impossible={impossible()} onClick={discard}>Discard draft</ActionButton></Show>
        <Show when={hasSecrets(text())}><ActionButton denial={model.denied()?.reveal} onClick={() => setRevealing(true)}>Reveal secrets</ActionButton></Show>
        <label class="config-format"><span class="hint">Format</span> <select disabled={isReadOnly()} onChange={(event) => model.chooseFormat(event.currentTarget.value)}><For each={formats()}>{(format) => <option selected={format === draftFormat(model)}>{format}</option>}</For></select></label>
        <span class="count" role="status">
          {model.draft()?.remove === true ? 'The draft removes it from its clients. ' : ''}
          {isDirty() ? 'Not saved. ' : model.draft() !== undefined ? 'Draft, saved. ' : ''}
          {faultCount() > 0 ? `${faultCount()} fault${faultCount() === 1 ? '' : 's'}.` : ''}
        </span>
      </div>
      <Show when={conflict()}>
        {(theirs) => (
          <div class="question conflict" role="alert">
            <p><strong>{theirs().editors.at(-1) ?? 'Another editor'}</strong> has saved the draft while you edited. Nothing is overwritten.</p>
            <button type="button" class="primary" onClick={() => setMerging(true)}>Compare and merge</button>{' '}
            <button type="button" onClick={() => { show({ revision: theirs().revision, content: theirs().content }); setConflict(undefined); setMerging(false); }}>Take theirs, drop mine</button>
          </div>
        )}
      </Show>
      <Show when={isMerging() && conflict()} keyed>
        {(theirs) => <Conflict theirs={theirs} mine={text()} format={formatOf(model)} save={(merged) => void outcome.run(async () => { const revision = await save(merged, theirs.revision); if (revision !== undefined) { setText(merged); editor()?.setContent(merged); } return { text: revision === undefined ? 'The draft has changed once more: compare again.' : 'The merged draft is saved.' }; })} onClose={() => setMerging(false)} />}
      </Show>
      <Show when={isRevealing()}><Revealed model={model} onClose={() => setRevealing(false)} /></Show>
      <Show when={isMerging() && conflict() !== undefined ? undefined : `${formatOf(model)}\0${model.one().content?.schema ?? ''}`} keyed>
        {(_form) => <Host model={model} text={text()} isReadOnly={isReadOnly()} ready={setEditor} changed={setText} check={check} save={saveNow} publish={publish} />}
      </Show>
      <Show when={formatOf(model) === 'properties'}><InheritedKeys model={model} text={text()} override={isReadOnly() ? undefined : (line) => editor()?.append(line)} /></Show>
      <Show when={isPublishing()}>
        <PublishSheet
          model={model}
          content={model.draft()?.remove === true && !isDirty() ? undefined : text()}
          outcome={outcome}
          saved={async () => (isDirty() || model.draft() === undefined ? save(text(), base().revision) : base().revision)}
          onClose={() => setPublishing(false)}
        />
      </Show>
    </>
  );
}

interface HostProps {
  readonly model: Model;
  readonly text: string;
  readonly isReadOnly: boolean;
  readonly ready: (editor: Editor | undefined) => void;
  readonly changed: (text: string) => void;
  readonly check: (content: string) => Promise<ConfigVerdict['faults']>;
  readonly save: () => void;
  readonly publish: () => void;
}

/** The editor itself, whose program comes when it is first needed. */
function Host(props: HostProps): JSX.Element {
  let host!: HTMLDivElement;
  const [editor, setEditor] = createSignal<Editor>();
  onMount(() => {
    let isGone = false;
    void import('./editor.ts').then(({ openEditor }) => {
      if (isGone) return;
      const { model, text, isReadOnly, changed, check, save, publish } = props;
      const opened = openEditor(host, { content: text, format: formatOf(model), label: `Content of ${titleOf(model.of)}`, isReadOnly, schema: model.one().content?.schema, changed, check, save, publish });
      setEditor(opened);
      props.ready(opened);
    });
    onCleanup(() => {
      isGone = true;
      editor()?.close();
      props.ready(undefined);
    });
  });
  createEffect(() => editor()?.setReadOnly(props.isReadOnly));
  createEffect(() => editor()?.setMarks(marksOf(props.model)));
  return <div class="config-editor" ref={host} tabindex="-1" />;
}

function contentOf({ draft, one }: Model): string {
  return draft()?.content ?? one().content?.current?.content ?? '';
}
