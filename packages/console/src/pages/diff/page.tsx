/** What was added, removed and changed between two times, which are in the address: `from` and `to`; without `to` until now. */

import { createEffect, createMemo, createSignal, For, onCleanup, Show, type JSX } from 'solid-js';
import type { HistoryChange, HistoryDiff, HistoryFacts } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { pendingContent } from '../../live/pending.ts';
import { clockOf, parseTime } from '../../live/time.ts';
import type { PageProps } from '../../pages.ts';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { Link } from '../../parts/link.tsx';
import { place, refine } from '../../place.ts';
import { session } from '../../session.ts';
import './page.css';

/** Without `from`, so much of the past is compared. */
const usualMs = 600_000;
/** Changes in the page; the filter finds the others among those of the answer. */
const shownMax = 300;
const levels = { added: 'good', removed: 'bad', changed: 'warn' } as const;

export default function DiffPage(props: PageProps): JSX.Element {
  const [answer, setAnswer] = createSignal<HistoryDiff>();
  const [error, setError] = createSignal('');
  const fromMs = createMemo(() => Number(place().query.get('from') ?? '') || undefined);
  const toMs = createMemo(() => Number(place().query.get('to') ?? '') || undefined);
  createEffect(() => {
    if (fromMs() !== undefined) return;
    if (session()?.history !== true) {
      setError('This server keeps no history; start it with a limit above 0 (--history).');
      return;
    }
    let isWanted = true;
    const come = pendingContent();
    onCleanup(() => (isWanted = false));
    ask<HistoryFacts>('GET', '/rollcall/v1/history')
      .then(({ sinceMs, nowMs }) => isWanted && refine({ from: String(Math.max(sinceMs, nowMs - usualMs)) }))
      .catch((reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)))
      .finally(come);
  });
  createEffect(() => {
    if (fromMs() === undefined || session()?.history !== true) return;
    const query = new URLSearchParams({ namespace: props.namespace, from: String(fromMs()), ...(toMs() === undefined ? {} : { to: String(toMs()) }) });
    const gone = new AbortController();
    const come = pendingContent();
    onCleanup(() => gone.abort());
    ask<HistoryDiff>('GET', `/rollcall/v1/history/diff?${query.toString()}`, undefined, { signal: gone.signal })
      .then((given) => {
        setAnswer(given);
        setError('');
      })
      .catch((reason: unknown) => {
        if (!gone.signal.aborted) setError(reason instanceof Error ? reason.message : String(reason));
      })
      .finally(come);
  });
  const filter = filterRows<HistoryChange>({
    Kind: (row) => row.kind,
    Change: (row) => row.change,
    Name: (row) => row.name,
    Service: (row) => row.service ?? '',
    Node: (row) => row.node ?? '',
    Fields: ['texts', (row) => row.fields.map(({ field }) => field)],
  });
  const rows = createMemo(() => filter.rows(answer()?.changes ?? []));
  const go = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const [from, to] = ['from', 'to'].map((name) => {
      const text = given.get(name);
      return typeof text === 'string' && text.trim() !== '' && text.trim() !== 'now' ? parseTime(text, Date.now()) : undefined;
    });
    if (from === undefined) setError('Type the earlier time like 10m, 14:02 or 2026-11-29 09:00.');
    else refine({ from: String(Math.round(from)), to: to === undefined ? '' : String(Math.round(to)) });
  };
  return (
    <>
      <h1>Changes</h1>
      <form class="tools" onSubmit={go}>
        <label>from <input name="from" value={fromMs() === undefined ? '' : clockOf(fromMs() ?? 0, Date.now())} /></label>
        <label>to <input name="to" value={toMs() === undefined ? 'now' : clockOf(toMs() ?? 0, Date.now())} /></label>
        <button type="submit">Compare</button>
      </form>
      <Show when={error() !== ''}><p class="error" role="alert">{error()}</p></Show>
      <Show when={answer()}>
        {(given) => (
          <>
            <div class="tools">
              <FilterBox label="Filter by words, or Change == removed" filter={filter} />
              <span class="count" role="status">{rows().length} of {given().changes.length}{given().truncated === true ? ', and more that are not listed' : ''}</span>
              <span class="hint">revision {given().from.revision} to {given().to.revision}</span>
            </div>
            <Show when={rows().length > 0} fallback={<p class="empty">{given().changes.length === 0 ? 'Nothing has changed between these times.' : 'No change matches the filter.'}</p>}>
              <ul class="changes">
                <For each={rows().slice(0, shownMax)}>{(change) => <ChangeItem change={change} />}</For>
              </ul>
              <Show when={rows().length > shownMax}><p class="hint">{rows().length - shownMax} more; filter to see them.</p></Show>
            </Show>
          </>
        )}
      </Show>
    </>
  );
}

function ChangeItem(props: { readonly change: HistoryChange }): JSX.Element {
  const where = (): readonly string[] | undefined => {
    const { kind, name, service } = props.change;
    if (kind === 'instance' && service !== undefined) return ['services', service];
    return kind === 'service' || kind === 'route' ? ['services', name] : undefined;
  };
  const about = (): string => [props.change.service, props.change.node, props.change.cluster].filter((each) => each !== undefined && each !== '').join(' on ');
  return (
    <li>
      <span class={`pill ${levels[props.change.change]}`}>{props.change.change}</span>
      <span class="hint">{props.change.kind}</span>
      <span class="what"><Show when={where()} fallback={props.change.name}>{(to) => <Link to={to()}>{props.change.name}</Link>}</Show> <span class="hint">{about()}</span></span>
      <Show when={props.change.fields.length > 0 && props.change.change !== 'changed'}>
        <dl class="whole"><For each={props.change.fields}>{({ field, before, after }) => <div><dt>{field}</dt> <dd>{textOf(after ?? before)}</dd></div>}</For></dl>
      </Show>
      <Show when={props.change.fields.length > 0 && props.change.change === 'changed'}>
        <dl class="facts">
          <For each={props.change.fields}>
            {({ field, before, after }) => (
              <>
                <dt>{field}</dt>
                <dd><Show when={before !== undefined}><del>{textOf(before)}</del>{' '}</Show><Show when={after !== undefined}><ins>{textOf(after)}</ins></Show></dd>
              </>
            )}
          </For>
        </dl>
      </Show>
    </li>
  );
}

const textMax = 200;

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > textMax ? `${text.slice(0, textMax)} …` : text;
}
