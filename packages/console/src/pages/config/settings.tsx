/** What belongs to a configuration and not to its releases: schema, parents, checks, owners. And its end. */

import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import type { ConfigSettings, Settled } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { go, hrefOf } from '../../place.ts';
import { titleOf, type WholeConfig } from './data.ts';
import type { Model } from './model.ts';

export function SettingsPart(props: { readonly model: Model; readonly outcome: Outcome }): JSX.Element {
  const { model, outcome } = props;
  const row = (): WholeConfig | undefined => model.one().content;
  const stored = createMemo(() => fieldsOf(row()));
  const [changed, setChanged] = createSignal<Partial<Fields>>({});
  const value = (name: keyof Fields): string => changed()[name] ?? stored()[name];
  const isChanged = createMemo(() => Object.entries(changed()).some(([name, text]) => text !== stored()[name as keyof Fields]));
  const impossible = (): string | undefined => pastReason();
  const isOff = (): boolean => impossible() !== undefined || model.denied()?.publish !== null;
  const field = (name: keyof Fields, label: string, hint: string, lines = 1): JSX.Element => (
    <label>
      {label}
      <Show when={lines > 1} fallback={<input value={value(name)} disabled={isOff()} onInput={(event) => setChanged({ ...changed(), [name]: event.currentTarget.value })} />}>
        <textarea rows={lines} value={value(name)} disabled={isOff()} spellcheck={false} onInput={(event) => setChanged({ ...changed(), [name]: event.currentTarget.value })} />
      </Show>
      <span class="hint">{hint}</span>
    </label>
  );
  const save = (): void =>
    void outcome.run(async () => {
      const { note } = await model.change<Settled>('/settings', settingsIn(changed(), stored()));
      setChanged({});
      return { text: `The settings are saved. Content is checked by them from now on.${note === undefined ? '' : ` But ${note}.`}` };
    });
  const remove = (): void =>
    void outcome.run(async () => {
      if (row()?.last === 0 || row()?.unpublished === true) {
        await model.change('/delete', {});
        go(hrefOf(['config']));
        return { text: `${titleOf(model.of)} is deleted: it was never published.` };
      }
      const { done } = await model.change<{ readonly done: boolean }>('/draft/save', { remove: true, cas: model.draft()?.revision ?? 0 });
      return { text: done ? 'Its removal is drafted: publish it, or propose it, from its content.' : 'Another editor has saved a draft meanwhile.' };
    });
  return (
    <div class="config-settings">
      <form class="config-form" onSubmit={(event) => { event.preventDefault(); if (isChanged() && !isOff()) save(); }}>
        {field('description', 'Description', 'for people')}
        {field('tags', 'Tags', 'separated by commas')}
        {field('owners', 'Owners', 'who is asked about it, separated by commas')}
        {field('parents', 'Parents', 'APP/NAME, a line each, the first before the others: clients get their keys where this configuration has none', 2)}
        <label class="config-inline"><input type="checkbox" checked={value('visibility') === 'public'} disabled={isOff()} onChange={(event) => setChanged({ ...changed(), visibility: event.currentTarget.checked ? 'public' : 'private' })} /> Other apps may name it as a parent</label>
        <label class="config-inline"><input type="checkbox" checked={value('owner') === 'git'} disabled={isOff()} onChange={(event) => setChanged({ ...changed(), owner: event.currentTarget.checked ? 'git' : '' })} /> A repository owns it: its content is changed from there only</label>
        {field('schema', 'JSON Schema', 'new content must satisfy it, and the editor completes its keys and values; empty: none', 8)}
        {field('checks', 'Checks', 'a condition a line, over all keys: keys["tls.enabled"] != "true" or "tls.certificate" in keys', 3)}
        {field('bytesMax', 'Longest content', 'in bytes; empty: the limit for all')}
        <div class="tools">
          <ActionButton kind="primary" denial={model.denied()?.publish} impossible={impossible() ?? (isChanged() ? undefined : 'nothing has changed')} onClick={save}>Save settings</ActionButton>
          <Show when={isChanged()}><button type="button" onClick={() => setChanged({})}>Reset</button></Show>
        </div>
      </form>
      <section class="panel">
        <h2>End</h2>
        <p class="hint">Clients get nothing of it any more. Its history stays, so a rollback brings it back.</p>
        <ActionButton kind="danger" denial={model.denied()?.edit} impossible={impossible() ?? (row()?.release === 0 && (row()?.last ?? 0) > 0 ? 'clients get nothing of it already' : undefined)} onClick={remove}>{row()?.last === 0 ? 'Delete it' : 'Draft its removal'}</ActionButton>
      </section>
    </div>
  );
}

interface Fields {
  readonly description: string;
  readonly tags: string;
  readonly owners: string;
  readonly parents: string;
  readonly visibility: string;
  readonly schema: string;
  readonly checks: string;
  readonly bytesMax: string;
  readonly owner: string;
}

function fieldsOf(row: WholeConfig | undefined): Fields {
  return {
    description: row?.description ?? '',
    tags: (row?.tags ?? []).join(', '),
    owners: (row?.owners ?? []).join(', '),
    parents: (row?.parents ?? []).map(({ app, name }) => `${app}/${name}`).join('\n'),
    visibility: row?.visibility ?? 'private',
    schema: row?.schema ?? '',
    checks: (row?.checks ?? []).map(({ expect, message }) => (message === undefined ? expect : `${expect} # ${message}`)).join('\n'),
    bytesMax: row?.bytesMax === undefined ? '' : String(row.bytesMax),
    owner: row?.owner ?? '',
  };
}

/** Only what has changed. */
function settingsIn(changed: Partial<Fields>, stored: Fields): ConfigSettings {
  const listed = (text: string, sign: RegExp): readonly string[] => text.split(sign).map((each) => each.trim()).filter((each) => each !== '');
  const readers: { readonly [Name in keyof Fields]: (text: string) => ConfigSettings } = {
    description: (description) => ({ description }),
    tags: (text) => ({ tags: listed(text, /,/) }),
    owners: (text) => ({ owners: listed(text, /,/) }),
    parents: (text) => ({ parents: listed(text, /\n/).map((line) => ({ app: line.slice(0, Math.max(0, line.indexOf('/'))), name: line.slice(line.indexOf('/') + 1) })) }),
    visibility: (text) => ({ visibility: text === 'public' ? 'public' : 'private' }),
    schema: (schema) => ({ schema }),
    checks: (text) => ({
      checks: listed(text, /\n/).map((line) => {
        const [expect = '', message] = line.split(' # ');
        return { expect, ...(message === undefined ? {} : { message }) };
      }),
    }),
    bytesMax: (text) => ({ bytesMax: Number(text) || 0 }),
    owner: (text) => ({ owner: text === 'git' ? 'git' : '' }),
  };
  const names = (Object.keys(readers) as (keyof Fields)[]).filter((name) => changed[name] !== undefined && changed[name] !== stored[name]);
  return Object.assign({}, ...names.map((name) => readers[name](changed[name] ?? ''))) as ConfigSettings;
}
