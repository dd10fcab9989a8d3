/** All connected clients, and below the list the page of one. */

import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import type { ClientList, ListedClient } from '@rollcall/protocol';
import { asOfMs } from '../../live/as-of.ts';
import { missingText, perSecond, sumOf } from '../../live/client-list.ts';
import { clientsMax, watchClients } from '../../live/clients.ts';
import type { Polled } from '../../live/polled.ts';
import type { PageProps } from '../../pages.ts';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows, type RowFilter } from '../../parts/filter-rows.ts';
import { looksLikeExpression } from '../../parts/filter-words.ts';
import { MayRead } from '../../parts/may-read.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf, place, refine } from '../../place.ts';
import { ClientPage } from './client-page.tsx';
import { age, releaseText, watchText } from './words.ts';

const columns: readonly Column<ListedClient>[] = [
  { name: 'client', width: '2fr', cell: (row) => <a href={hrefOf(['clients', row.id])} onClick={follow}>{row.client}</a> },
  { name: 'library', width: 'minmax(11rem, 1.5fr)', isEmpty: (row) => row.version === undefined, cell: (row) => row.version ?? '' },
  { name: 'protocol', width: '5rem', cell: (row) => row.via },
  { name: 'node', width: '7rem', cell: (row) => row.node },
  { name: 'connected', width: '5.5rem', cell: (row) => age(row.sinceMs) },
  { name: 'watches', width: '3fr', cell: (row) => <span class="tags">{watchesOf(row)}</span> },
  { name: 'releases', width: '2fr', isEmpty: (row) => row.releases.length === 0, cell: (row) => <span class="tags">{row.releases.map(releaseText).join(', ')}</span> },
  { name: 'picks', width: '5.5rem', cell: (row) => perSecond(sumOf(row.picks).picksPerSecond) },
  { name: 'failures', width: '5.5rem', isEmpty: (row) => sumOf(row.picks).failuresPerSecond === 0, cell: (row) => <span class="failures">{perSecond(sumOf(row.picks).failuresPerSecond)}</span> },
];

/** A past time has no rates of clients: those of the services are on the page Topology. */
const columnsOfPast = columns.filter(({ name }) => name !== 'picks' && name !== 'failures');

const byName = (a: ListedClient, b: ListedClient): number => (a.client === b.client ? (a.id < b.id ? -1 : 1) : a.client < b.client ? -1 : 1);

const orders: Readonly<Record<string, (a: ListedClient, b: ListedClient) => number>> = {
  name: byName,
  newest: (a, b) => (b.sinceMs ?? 0) - (a.sinceMs ?? 0) || byName(a, b),
  picks: (a, b) => sumOf(b.picks).picksPerSecond - sumOf(a.picks).picksPerSecond || byName(a, b),
  failures: (a, b) => sumOf(b.picks).failuresPerSecond - sumOf(a.picks).failuresPerSecond || byName(a, b),
};

export default function ClientsPage(props: PageProps): JSX.Element {
  const all = watchClients(props.live, props.namespace, '');
  const filter = filterRows<ListedClient>({
    Client: (row) => row.client,
    Library: (row) => row.version ?? '',
    Protocol: (row) => row.via,
    Node: (row) => row.node,
    Address: (row) => row.address ?? '',
    Token: (row) => row.principal ?? '',
    Watches: ['texts', (row) => row.watches.map(watchText)],
    Releases: ['texts', (row) => row.releases.map(releaseText)],
    Services: ['texts', (row) => row.instances.map(({ service }) => service)],
    Picks: ['number', (row) => sumOf(row.picks).picksPerSecond],
    Failures: ['number', (row) => sumOf(row.picks).failuresPerSecond],
  });
  /** The server has more than fit: then it searches as well. */
  const [hasMore, setHasMore] = createSignal(false);
  const isCut = createMemo(() => {
    const { count = 0, clients = [] } = all().content ?? {};
    if (count > clients.length) setHasMore(true);
    return hasMore();
  });
  return (
    <Show when={props.parts[0]} keyed fallback={
      <Show when={isCut() ? searchedWord(filter.fields) : undefined} keyed fallback={<List namespace={props.namespace} shown={all()} filter={filter} />}>
        {(text) => <Searched {...props} text={text} filter={filter} />}
      </Show>
    }>
      {(id) => <ClientPage id={id} shown={all} />}
    </Show>
  );
}

/** A word for the server to search for; it knows no expressions. */
function searchedWord(fields: readonly string[]): string | undefined {
  const text = (place().query.get('filter') ?? '').trim();
  return text === '' || looksLikeExpression(text, fields) ? undefined : text.split(/\s+/)[0];
}

function Searched(props: PageProps & { readonly text: string; readonly filter: RowFilter<ListedClient> }): JSX.Element {
  const found = watchClients(props.live, props.namespace, props.text);
  return <List namespace={props.namespace} shown={found()} filter={props.filter} />;
}

function List(props: { readonly namespace: string; readonly shown: Polled<ClientList>; readonly filter: RowFilter<ListedClient> }): JSX.Element {
  const content = (): ClientList => props.shown.content ?? { clients: [], count: 0, missing: [] };
  const sort = (): string => place().query.get('sort') ?? 'name';
  const rows = createMemo(() => props.filter.rows(content().clients).toSorted(orders[sort()] ?? byName));
  return (
    <>
      <h1>Clients</h1>
      <Show when={props.shown.error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={missingText(content())}>{(text) => <p class="hint" role="status">{text()}</p>}</Show>
      <Show when={content().count > content().clients.length}>
        <p class="hint">{clientsMax} of {content().count} clients are shown. Filter by name, library, address or protocol to find others.</p>
      </Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Failures != 0" filter={props.filter} />
        <label>
          Sort by{' '}
          <select value={sort()} onChange={(event) => refine({ sort: event.currentTarget.value === 'name' ? '' : event.currentTarget.value })}>
            <option value="name">name</option>
            <option value="newest">newest</option>
            <option value="picks">picks</option>
            <option value="failures">failures</option>
          </select>
        </label>
        <span class="count" role="status">{rows().length} of {content().count}</span>
      </div>
      <Show when={props.shown.content !== undefined}>
        <Table label="Clients" rows={rows()} columns={asOfMs() === undefined ? columns : columnsOfPast} open={(row) => go(hrefOf(['clients', row.id]))} empty={content().count > 0 ? 'No client matches the filter.' : asOfMs() === undefined ? <MayRead namespace={props.namespace} resource="service"><NoClients /></MayRead> : 'No client was connected then.'} />
      </Show>
    </>
  );
}

function NoClients(): JSX.Element {
  return <>No client is connected. One connects with <code>connect(&#123; servers: ['{location.origin}'] &#125;)</code> of <code>@rollcall/client</code>.</>;
}

/** A client of a service watches its route, too, which says nothing more. */
function watchesOf({ watches, watchCount }: ListedClient): string {
  const telling = watches.filter(({ kind }) => kind !== 'route');
  const shown = telling.slice(0, 5).map(watchText);
  const more = watchCount - (watches.length - telling.length) - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
