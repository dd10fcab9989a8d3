/** Locks and elections in use, and keys that sessions hold as Consul's clients lock; and below it the page of one lock. */

import { createEffect, createMemo, createSignal, on, onCleanup, Show, type JSX } from 'solid-js';
import { kindOfLock, nameOfContender, type HeldKey, type HeldKeyList, type ListedLock, type LockList } from '@rollcall/protocol';
import { polled, type Polled } from '../../live/polled.ts';
import { clockOf } from '../../live/time.ts';
import type { PageProps } from '../../pages.ts';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { MayRead } from '../../parts/may-read.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf } from '../../place.ts';
import { LockPage } from './lock-page.tsx';
import './page.css';

interface LockRow extends ListedLock {
  readonly kind: 'lock';
}

interface KeyRow extends Pick<HeldKey, 'lockIndex' | 'session'> {
  readonly kind: 'key';
  readonly name: string;
}

type Row = LockRow | KeyRow;

export default function LocksPage(props: PageProps): JSX.Element {
  return (
    <Show when={props.parts[0]} keyed fallback={<LockList {...props} />}>
      {(name) => <LockPage live={props.live} namespace={props.namespace} name={name} />}
    </Show>
  );
}

/** How long a text of the filter stands before the server is asked for it. */
const typingMs = 300;

function LockList(props: PageProps): JSX.Element {
  // A list that fits into one answer is filtered here, as the operator types; a longer one by the server.
  const [asked, setAsked] = createSignal('');
  const question = (path: string): string => `/rollcall/v1/locks/${path}?${String(new URLSearchParams({ namespace: props.namespace, filter: asked() }))}`;
  const locks = createMemo(() => polled<LockList>(question('list'), {}, props.live.isPaused));
  const keys = createMemo(() => polled<HeldKeyList>(question('keys'), {}, props.live.isPaused));
  const latest = <T,>(state: () => Polled<T>) => createMemo<T | undefined>((before) => state().content ?? before);
  const lockPage = latest(() => locks()());
  const keyPage = latest(() => keys()());
  const isCut = (): boolean => lockPage()?.next !== undefined || keyPage()?.next !== undefined || asked() !== '';
  createEffect(on(filterText, (text) => {
    // The server looks for a part of the name, and knows no expressions.
    const timer = setTimeout(() => isCut() && setAsked(/^[^\s="]*$/.test(text) ? text : ''), typingMs);
    onCleanup(() => clearTimeout(timer));
  }));
  const all = createMemo((): readonly Row[] => [
    ...(lockPage()?.locks.map((lock): Row => ({ ...lock, kind: 'lock' })) ?? []),
    ...(keyPage()?.keys.map(({ key, ...rest }): Row => ({ ...rest, kind: 'key', name: key })) ?? []),
  ].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))));
  const filter = filterRows<Row>({ Lock: (row) => row.name, Kind: kindText, Holder: holderText, Waiting: ['number', (row) => (row.kind === 'lock' ? row.waiting : 0)], Limit: ['number', (row) => (row.kind === 'lock' ? row.limit : 1)] });
  const rows = createMemo(() => filter.rows(all()));
  const count = (): number => (lockPage()?.count ?? 0) + (keyPage()?.count ?? 0);
  const error = (): string | undefined => locks()().error ?? keys()().error;
  const isReady = (): boolean => lockPage() !== undefined && keyPage() !== undefined;
  return (
    <>
      <h1>Locks</h1>
      <Show when={error()}>{(message) => <p class="error" role="alert">{message()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Waiting != 0" filter={filter} />
        <span class="count" role="status">{rows().length} of {count()}{isCut() ? '; a longer list is searched by name only' : ''}</span>
      </div>
      <Show when={isReady()}>
        <Show when={count() > 0 || asked() !== ''} fallback={<div class="empty"><MayRead namespace={props.namespace} resource="lock"><FirstLock /></MayRead></div>}>
          <Table label="Locks" rows={rows()} columns={columns} open={(row) => go(hrefFor(row))} empty="No lock matches the filter." />
        </Show>
      </Show>
    </>
  );
}

function hrefFor(row: Row): string {
  return row.kind === 'lock' ? hrefOf(['locks', row.name]) : hrefOf(['keys'], { in: row.name.slice(0, row.name.lastIndexOf('/') + 1), key: row.name });
}

const columns: readonly Column<Row>[] = [
  { name: 'lock', width: '2fr', cell: (row) => <a href={hrefFor(row)} onClick={follow}>{row.name}</a> },
  { name: 'held by', width: '2fr', cell: holderText },
  { name: 'waiting', width: '5rem', cell: (row) => (row.kind === 'lock' ? row.waiting : '') },
  { name: 'kind', width: '10rem', cell: kindText },
  { name: 'since', width: '8rem', cell: sinceText },
  { name: 'token', width: '9rem', cell: (row) => (row.kind === 'lock' ? (row.holders[0]?.token ?? '') : row.lockIndex) },
];

function kindText(row: Row): string {
  if (row.kind === 'key') return 'key of a session';
  return kindOfLock(row);
}

function sinceText(row: Row): string {
  const [first] = row.kind === 'lock' ? row.holders : [];
  return first?.sinceMs === undefined ? '' : clockOf(first.sinceMs, Date.now());
}

function holderText(row: Row): string {
  if (row.kind === 'key') return row.session === undefined ? 'a session that you may not read' : [row.session.name, row.session.node, row.session.id.slice(0, 8)].filter((each) => each !== '').join(' · ');
  const names = row.holders.map(nameOfContender);
  return names.length < row.holding ? `${names.join(', ')} and ${row.holding - names.length} more` : names.join(', ');
}

/** No lock, or none that this caller may read. */
function FirstLock(): JSX.Element {
  return (
    <>
      <p>No lock is in use. Let one of several processes lead; the others take over when it ends:</p>
      <pre tabindex="0">{`rollcall lead jobs/cleanup --addr ${location.host} -- sleep 600`}</pre>
      <p>Or run a command while it holds a lock:</p>
      <pre tabindex="0">{`rollcall lock jobs/migrate --fenced --addr ${location.host} -- ./migrate.sh`}</pre>
    </>
  );
}
