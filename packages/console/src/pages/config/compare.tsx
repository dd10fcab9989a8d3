/**
 * What differs between two steps of the history, or a step and the draft, side by side. On a page of the past: what clients got then, or a step of that
 * time, and what they get now.
 */

import { createResource, For, Show, type JSX } from 'solid-js';
import type { ConfigDetail, ConfigRelease } from '@rollcall/protocol';
import { ApiError, ask } from '../../api.ts';
import { asOfMs } from '../../live/as-of.ts';
import { clockOf } from '../../live/time.ts';
import { refine } from '../../place.ts';
import { pathOf } from './data.ts';
import { asOf, formatOf, type Model } from './model.ts';
import { Sides } from './sides.tsx';

interface Side {
  readonly label: string;
  readonly content: string;
}

export function ComparePart(props: { readonly model: Model; readonly from: string; readonly to: string }): JSX.Element {
  const { model } = props;
  const isPast = (): boolean => asOfMs() !== undefined;
  const contents = (): readonly string[] => model.history().filter(({ hash, md5 }) => hash !== '' || md5 !== '').map(({ number }) => String(number));
  // Only a page of the past has the sides `then` and `now`; an address may still have them.
  const given = (side: string): string => (isPast() || (side !== 'then' && side !== 'now') ? side : '');
  const right = (): string => given(props.to) || (isPast() ? 'now' : model.draft() !== undefined ? 'draft' : (contents()[0] ?? '0'));
  const left = (): string => given(props.from) || (isPast() ? 'then' : right() === 'draft' ? String(model.one().content?.release ?? 0) : (contents()[contents().indexOf(right()) + 1] ?? '0'));
  const [sides] = createResource(
    () => ({ left: left(), right: right(), draft: model.draft()?.revision, revision: isPast() ? model.one().content?.revision : 0, atMs: asOfMs() }),
    async ({ left: from, right: to }) => ({ before: await sideOf(model, from), after: await sideOf(model, to) }),
  );
  const options = (): readonly string[] => [...(isPast() ? ['now', 'then'] : model.draft() === undefined ? [] : ['draft']), ...contents(), '0'];
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
        {({ before, after }) => <Sides before={before.content} after={after.content} format={formatOf(model)} labels={[before.label, after.label]} />}
      </Show>
    </>
  );
}

async function sideOf(model: Model, side: string): Promise<Side> {
  const label = nameOf(side);
  if (side === 'draft') return { label, content: model.draft()?.content ?? '' };
  if (side === '0' || side === '') return { label, content: '' };
  if (side === 'then') return release(model.one().content?.current, label);
  if (side === 'now') return release(await currentOf(model), `now (${clockOf(Date.now(), Date.now())})`);
  return release(await ask<ConfigRelease>('GET', pathOf('/release', model.of, { number: side, ...asOf() })));
}

/** @param moment of which it was, or is, current */
function release(found: Pick<ConfigRelease, 'number' | 'content'> | undefined, moment?: string): Side {
  const label = found === undefined ? 'nothing' : `release ${found.number}`;
  return { label: moment === undefined ? label : `${label}, ${moment}`, content: found?.content ?? '' };
}

/** What clients get now. Undefined: nothing. */
async function currentOf({ of }: Model): Promise<ConfigRelease | undefined> {
  try {
    return (await ask<ConfigDetail>('GET', pathOf('', of))).current;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function nameOf(side: string): string {
  if (side === 'then') return `as of ${clockOf(asOfMs() ?? 0, Date.now())}`;
  return side === 'draft' || side === 'now' ? side : side === '0' ? 'nothing' : `release ${side}`;
}
