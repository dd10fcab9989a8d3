/** What differs between two steps of the history, or a step and the draft, side by side. */

import { createResource, For, onCleanup, onMount, Show, type JSX } from 'solid-js';
import type { ConfigRelease } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { refine } from '../../place.ts';
import { pathOf } from './data.ts';
import { asOf, formatOf, type Model } from './model.ts';

export function ComparePart(props: { readonly model: Model; readonly from: string; readonly to: string }): JSX.Element {
  const { model } = props;
  const contents = (): readonly string[] => model.history().filter(({ hash, md5 }) => hash !== '' || md5 !== '').map(({ number }) => String(number));
  const right = (): string => props.to || (model.draft() !== undefined ? 'draft' : (contents()[0] ?? '0'));
  const left = (): string => props.from || (right() === 'draft' ? String(model.one().content?.release ?? 0) : (contents()[contents().indexOf(right()) + 1] ?? '0'));
  const [sides] = createResource(
    () => ({ left: left(), right: right(), draft: model.draft()?.revision }),
    async ({ left: from, right: to }) => ({ from, to, before: await sideOf(model, from), after: await sideOf(model, to) }),
  );
  const options = (): readonly string[] => [...(model.draft() === undefined ? [] : ['draft']), ...contents(), '0'];
  const choice = (label: string, value: () => string, parameter: 'from' | 'to'): JSX.Element => (
    <label>
      {label}{' '}
      <select value={value()} onChange={(event) => refine({ [parameter]: event.currentTarget.value })}>
        <For each={options()}>{(option) => <option value={option} selected={option === value()}>{nameOf(option)}</option>}</For>
      </select>
    </label>
  );
  return (
    <>
      <div class="tools">
        {choice('From', left, 'from')}
        {choice('to', right, 'to')}
      </div>
      <Show when={sides.error as Error | undefined}>{(error) => <p class="error" role="alert">{error().message}</p>}</Show>
      <Show when={sides.error === undefined && sides()} keyed>
        {({ from, to, before, after }) => <Sides before={before} after={after} format={formatOf(model)} labels={[nameOf(from), nameOf(to)]} />}
      </Show>
    </>
  );
}

/** Two texts side by side. */
export function Sides(props: { readonly before: string; readonly after: string; readonly format: string; readonly labels: readonly [string, string] }): JSX.Element {
  let host!: HTMLDivElement;
  onMount(() => {
    let close: (() => void) | undefined;
    let isGone = false;
    void import('./editor.ts').then(({ openComparison }) => {
      if (!isGone) close = openComparison(host, props.before, props.after, props.format, props.labels).close;
    });
    onCleanup(() => {
      isGone = true;
      close?.();
    });
  });
  return (
    <>
      <div class="config-sides" aria-hidden="true"><span>{props.labels[0]}</span><span>{props.labels[1]}</span></div>
      <Show when={props.before === props.after}><p class="hint" role="status">Both are the same.</p></Show>
      <div class="config-editor" ref={host} tabindex="-1" />
    </>
  );
}

async function sideOf(model: Model, side: string): Promise<string> {
  if (side === 'draft') return model.draft()?.content ?? '';
  if (side === '0' || side === '') return '';
  return (await ask<ConfigRelease>('GET', pathOf('/release', model.of, { number: side, ...asOf() }))).content;
}

function nameOf(side: string): string {
  return side === 'draft' ? 'draft' : side === '0' ? 'nothing' : `release ${side}`;
}
