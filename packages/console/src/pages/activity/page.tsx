/** Who did what, was refused or signed in: the audit logs of all nodes, live or up to a past time, filtered by the address of the page. */

import { createEffect, createMemo, createResource, createSignal, For, on, onCleanup, Show, untrack, type JSX } from 'solid-js';
import type { ActivityAnswer, ActivityLine } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { asOfMs } from '../../live/as-of.ts';
import { nowMs } from '../../live/now.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { pageTable } from '../../page-table.ts';
import type { PageProps } from '../../pages.ts';
import { DenialText } from '../../parts/allowed.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { shownTime } from '../../parts/times.ts';
import { follow, hrefOf, place, refine } from '../../place.ts';
import { anonymousAccessor, denials } from '../../session.ts';
import { keyOf, withNewest, withOlder, type Known } from './lines.ts';
import { doerOf } from './doer.ts';
import { targetOf } from './links.ts';
import './page.css';

const kinds = ['write', 'denied', 'login', 'unauthenticated'] as const;
const words: Readonly<Record<ActivityLine['kind'], string>> = { write: 'change', denied: 'denied', login: 'sign-in', unauthenticated: 'wrong token' };
const spans: readonly { readonly name: string; readonly minutes: string }[] = [
  { name: 'any time', minutes: '' },
  { name: 'last 15 minutes', minutes: '15' },
  { name: 'last hour', minutes: '60' },
  { name: 'last day', minutes: '1440' },
];
const pageParts: ReadonlySet<string> = new Set(pageTable.map(({ part }) => part));
/** A text is asked for when the operator has stopped typing. */
const typingMs = 250;
const linesOfPage = '100';

export default function ActivityPage(props: PageProps): JSX.Element {
  const [rights] = createResource(() => denials([{ resource: 'operator', verb: 'read' }]));
  return (
    <>
      <h1>Activity</h1>
      <Show when={rights()}>
        {(known) => (
          <Show when={known()[0]} fallback={<Filtered live={props.live} />}>{(denial) => <p class="panel"><DenialText denial={denial()} /></p>}</Show>
        )}
      </Show>
    </>
  );
}

function Filtered(props: { readonly live: LiveViews }): JSX.Element {
  const [text, setText] = createSignal(filterText());
  let timer: ReturnType<typeof setTimeout> | undefined;
  createEffect(on(filterText, (typed) => {
    clearTimeout(timer);
    timer = setTimeout(() => setText(typed), typingMs);
  }, { defer: true }));
  onCleanup(() => clearTimeout(timer));
  const given = (name: string): string => place().query.get(name) ?? '';
  const path = createMemo(() => {
    const minutes = Number(given('minutes'));
    const wanted = { kind: given('kind'), person: given('person'), text: text(), limit: linesOfPage, ...(minutes > 0 ? { from: String(nowMs() - minutes * 60_000) } : {}) };
    return `/rollcall/v1/activity?${String(new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== '')))}`;
  });
  return (
    <>
      <div class="tools">
        <FilterBox label="Filter by action, address or protocol" />
        <label>
          Kind{' '}
          <select value={given('kind')} onChange={(event) => refine({ kind: event.currentTarget.value })}>
            <option value="">all</option>
            <For each={kinds}>{(kind) => <option value={kind}>{words[kind]}</option>}</For>
          </select>
        </label>
        <label>
          Time{' '}
          <select value={given('minutes')} onChange={(event) => refine({ minutes: event.currentTarget.value })}>
            <For each={spans}>{({ name, minutes }) => <option value={minutes}>{name}</option>}</For>
          </select>
        </label>
        <Show when={given('person') !== ''}>
          <button type="button" onClick={() => refine({ person: '' })}>All people instead of {given('person').slice(0, 8)}</button>
        </Show>
      </div>
      <Show when={path()} keyed>{(asked) => <Lines live={props.live} path={asked} />}</Show>
    </>
  );
}

function Lines(props: { readonly live: LiveViews; readonly path: string }): JSX.Element {
  // The path is another component's key, so it stays the same.
  const path = untrack(() => props.path);
  const newest = polled<ActivityAnswer>(path, {}, untrack(() => props.live).isPaused);
  const [known, setKnown] = createSignal<Known>();
  const [opened, setOpened] = createSignal<string>();
  const [error, setError] = createSignal('');
  /** The time of the lines that are known. */
  let shownMs = asOfMs();
  createEffect(on(() => newest().content, (page) => {
    if (page !== undefined) setKnown((before) => withNewest(asOfMs() === shownMs ? before : undefined, page));
    shownMs = asOfMs();
  }));
  const older = async (cursor: string): Promise<void> => {
    const atMs = asOfMs();
    try {
      const page = await ask<ActivityAnswer>('GET', `${path}&before=${encodeURIComponent(cursor)}${atMs === undefined ? '' : `&at=${atMs}`}`);
      setKnown((before) => before && withOlder(before, page));
      setError('');
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    }
  };
  const rows = (): readonly ActivityLine[] => known()?.lines ?? [];
  const openedLine = createMemo(() => rows().find((line) => keyOf(line) === opened()));
  const several = (): boolean => (newest().content?.nodes.length ?? 0) > 1;
  const columns = createMemo((): readonly Column<ActivityLine>[] => [
    { name: 'time', width: '12rem', cell: (row) => <time dateTime={row.time}>{shownTime(Date.parse(row.time))}</time> },
    { name: 'kind', width: '8rem', isExtra: true, cell: (row) => <span class={`badge activity-${row.kind}`}>{words[row.kind]}</span> },
    { name: 'who', width: '12rem', isExtra: true, cell: (row) => <Person line={row} /> },
    { name: 'action', width: '4fr', cell: (row) => <code>{row.action}</code> },
    { name: 'by', width: '6rem', isExtra: true, cell: (row) => row.via },
    { name: 'address', width: '9rem', isExtra: true, cell: (row) => row.address },
    ...(several() ? [{ name: 'node', width: '8rem', isExtra: true, cell: (row: ActivityLine) => row.node }] : []),
  ]);
  return (
    <>
      <Show when={newest().error ?? (error() || undefined)}>{(message) => <p class="error" role="alert">{message()}</p>}</Show>
      <Show when={newest().content?.missing.length}><p class="hint">These nodes have not answered: {newest().content?.missing.join(', ')}.</p></Show>
      <Show when={newest().content?.nodes.some(({ isLasting }) => !isLasting)}>
        <p class="hint">Without <code>--audit-log FILE</code>, lines are kept in memory only: the last 2,000 of each node since it started.</p>
      </Show>
      <Show when={known()}>
        {(shown) => (
          <>
            <Table label="Activity" rows={rows()} columns={columns()} open={(row) => setOpened(opened() === keyOf(row) ? undefined : keyOf(row))} empty="No line matches. Changes, denials and sign-ins appear here as they happen." />
            <p class="older">
              <Show when={shown().cursor} fallback={<span class="hint">{rows().length === 1 ? '1 line' : `${rows().length} lines`}: there is nothing older.</span>}>
                {(cursor) => <><button type="button" onClick={() => void older(cursor())}>Older lines</button> <span class="hint">{rows().length} lines, back to {shownTime(shown().backToMs ?? 0)}</span></>}
              </Show>
            </p>
          </>
        )}
      </Show>
      <Show when={openedLine()} keyed>{(line) => <Detail line={line} />}</Show>
    </>
  );
}

function Person(props: { readonly line: ActivityLine }): JSX.Element {
  return (
    <Show when={props.line.accessorId} fallback={<span class="hint">{doerOf(props.line)}</span>}>
      {(accessor) => <button type="button" class="plain" title="Show only this person" onClick={(event) => (event.stopPropagation(), refine({ person: accessor() }))}>{props.line.person ?? (accessor() === anonymousAccessor ? 'without a token' : accessor().slice(0, 8))}</button>}
    </Show>
  );
}

function Detail(props: { readonly line: ActivityLine }): JSX.Element {
  const target = createMemo(() => targetOf(props.line.action, pageParts));
  return (
    <section class="detail" aria-label={`Line ${props.line.seq} of ${props.line.node}`}>
      <h2>{words[props.line.kind]} at {props.line.time}</h2>
      <dl>
        <dt>action</dt><dd><code>{props.line.action}</code></dd>
        <dt>who</dt><dd>{props.line.person ?? ''} <Show when={props.line.accessorId} fallback={doerOf(props.line)}>{(accessor) => <code>{accessor()}</code>}</Show></dd>
        <dt>namespace</dt><dd>{props.line.namespace || 'none'}</dd>
        <dt>from</dt><dd>{props.line.address || 'a Unix socket'}, by {props.line.via}</dd>
        <dt>line</dt><dd>{props.line.seq} in the log of {props.line.node}</dd>
        <Show when={props.line.dropped}><dt>lost before it</dt><dd>{props.line.dropped} events</dd></Show>
      </dl>
      <Show when={target()}>{(found) => <a href={hrefOf(found().parts, { ...found().query, ...(props.line.namespace === '' ? {} : { namespace: props.line.namespace }) })} onClick={follow}>Go to {found().parts.at(-1)} {found().query['filter'] ?? ''}</a>}</Show>
    </section>
  );
}
