/**
 * Who uses which service, from the watches and the requests of connected clients: a drawing, and a table of the same. The table has everything and
 * works by keyboard and screen reader; the drawing is for the eye.
 */

import { createEffect, createMemo, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { asOfMs } from '../../live/as-of.ts';
import { milliseconds, missingText, perSecond, sumOf } from '../../live/client-list.ts';
import { watchTopology } from '../../live/clients.ts';
import { watchServices } from '../../live/service-health.ts';
import type { PageProps } from '../../pages.ts';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { RateChart } from '../../parts/rate-chart.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf, place, refine } from '../../place.ts';
import type { Drawing } from './drawing.ts';
import { drawnMax, drawnPart, graphOf, isFailing, type Graph, type GraphEdge } from './graph.ts';
import './page.css';

const columns: readonly Column<GraphEdge>[] = [
  { name: 'from', width: '2fr', cell: (row) => <End kind={row.fromKind} name={row.from} namespace={row.fromNamespace} /> },
  { name: 'to', width: '2fr', cell: (row) => <End kind="service" name={row.to} namespace={row.toNamespace} /> },
  { name: 'watchers', width: '6rem', isExtra: true, cell: (row) => row.watches },
  { name: 'picks', width: '7rem', cell: (row) => perSecond(row.picksPerSecond) },
  { name: 'failures', width: '7rem', cell: (row) => <span classList={{ failures: isFailing(row) }}>{perSecond(row.failuresPerSecond)}</span> },
  { name: 'mean', width: '6rem', cell: (row) => milliseconds(row.meanMs) },
  { name: 'p99', width: '6rem', cell: (row) => milliseconds(row.p99Ms) },
];

const byNames = (a: GraphEdge, b: GraphEdge): number => (a.id < b.id ? -1 : 1);

const orders: Readonly<Record<string, (a: GraphEdge, b: GraphEdge) => number>> = {
  name: byNames,
  picks: (a, b) => b.picksPerSecond - a.picksPerSecond || byNames(a, b),
  failures: (a, b) => b.failuresPerSecond - a.failuresPerSecond || byNames(a, b),
};

export default function TopologyPage(props: PageProps): JSX.Element {
  // The names in a drawing cannot be read in a narrow window.
  const usualView = window.matchMedia('(width < 40rem)').matches ? 'table' : 'drawing';
  const shown = watchTopology(props.live, props.namespace);
  const services = watchServices(props.live, props.namespace);
  const filter = filterRows<GraphEdge>({
    From: (row) => row.from,
    To: (row) => row.to,
    Watchers: ['number', (row) => row.watches],
    Picks: ['number', (row) => row.picksPerSecond],
    Failures: ['number', (row) => row.failuresPerSecond],
  });
  const graph = createMemo(() => {
    const { nodes, edges } = graphOf(shown().content?.edges ?? [], services().services, props.namespace);
    const matching = filter.rows(edges);
    if (matching.length === edges.length) return { nodes, edges };
    const used = new Set(matching.flatMap(({ source, target }) => [source, target]));
    return { nodes: nodes.filter(({ id }) => used.has(id)), edges: matching };
  });
  const sort = (): string => place().query.get('sort') ?? 'name';
  const rows = createMemo(() => graph().edges.toSorted(orders[sort()] ?? byNames));
  const view = (): string => place().query.get('view') ?? usualView;
  const isTable = (): boolean => view() === 'table';
  const edge = createMemo(() => graph().edges.find(({ id }) => id === place().query.get('edge')));
  const choose = (row: GraphEdge): void => refine({ edge: place().query.get('edge') === row.id ? '' : row.id });
  const open = (id: string): void => {
    const chosen = graph().edges.find((each) => each.id === id);
    const node = graph().nodes.find((each) => each.id === id);
    if (chosen !== undefined) choose(chosen);
    else if (node !== undefined) go(node.kind === 'service' ? hrefOf(['services', node.name]) : hrefOf(['clients'], { filter: node.name }));
  };
  const isEmpty = (): boolean => shown().content !== undefined && shown().content?.edges.length === 0;
  return (
    <>
      <h1>Topology</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={missingText(shown().content ?? {})}>{(text) => <p class="hint" role="status">{text()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Failures != 0" filter={filter} />
        <label>
          Show as{' '}
          <select value={isTable() ? 'table' : 'drawing'} onChange={(event) => refine({ view: event.currentTarget.value === usualView ? '' : event.currentTarget.value })}>
            <option value="drawing">drawing</option>
            <option value="table">table</option>
          </select>
        </label>
        <Show when={isTable()}>
          <label>
            Sort by{' '}
            <select value={sort()} onChange={(event) => refine({ sort: event.currentTarget.value === 'name' ? '' : event.currentTarget.value })}>
              <option value="name">name</option>
              <option value="picks">picks</option>
              <option value="failures">failures</option>
            </select>
          </label>
        </Show>
        <span class="count" role="status">{graph().nodes.length} services and clients, {graph().edges.length === 1 ? '1 arrow' : `${graph().edges.length} arrows`}</span>
      </div>
      <Show when={shown().content !== undefined}>
        <Show when={!isEmpty()} fallback={<NothingYet />}>
          <Show when={isTable()} fallback={<Canvas graph={graph()} open={open} />}>
            <Table label="Who uses which service" rows={rows()} columns={columns} open={choose} empty="No arrow matches the filter." />
          </Show>
        </Show>
      </Show>
      <Show when={edge()}>{(chosen) => <Detail edge={chosen()} />}</Show>
    </>
  );
}

function Canvas(props: { readonly graph: Graph; readonly open: (id: string) => void }): JSX.Element {
  let frame!: HTMLDivElement;
  let drawing: Drawing | undefined;
  onMount(() => {
    let isGone = false;
    void import('./drawing.ts').then(({ draw }) => {
      if (isGone) return;
      drawing = draw(frame, (id) => props.open(id));
      drawing.show(drawnPart(props.graph));
      frame.dataset['drawn'] = 'true';
    });
    onCleanup(() => {
      isGone = true;
      drawing?.end();
    });
  });
  createEffect(() => {
    const part = drawnPart(props.graph);
    drawing?.show(part);
  });
  const words = (): string => `${props.graph.nodes.length} services and clients with ${props.graph.edges.length} arrows between them. Choose the table to read them.`;
  return (
    <div class="topology">
      <div class="graph" role="img" aria-label={words()} ref={frame} />
      <p class="drawing-tools">
        <button type="button" aria-label="Enlarge" onClick={() => drawing?.zoom(1.25)}>+</button>{' '}
        <button type="button" aria-label="Make smaller" onClick={() => drawing?.zoom(0.8)}>−</button>{' '}
        <button type="button" onClick={() => drawing?.fit()}>Show all</button>
        <span class="hint">Arrows: the wider, the more requests a second; red: one in a hundred fails; dashed: watched, and not called. Boxes are services in the colour of their status, dashed if none of their instances gets traffic; an ellipse is a client that has registered no service.</span>
      </p>
      <Show when={props.graph.edges.length > drawnMax}><p class="hint">The drawing shows the {drawnMax} busiest of {props.graph.edges.length} arrows; the table has all.</p></Show>
    </div>
  );
}

function Detail(props: { readonly edge: GraphEdge }): JSX.Element {
  return (
    <section class="detail" aria-label={`${props.edge.from} to ${props.edge.to}`}>
      <h2><End kind={props.edge.fromKind} name={props.edge.from} namespace={props.edge.fromNamespace} /> → <End kind="service" name={props.edge.to} namespace={props.edge.toNamespace} /></h2>
      <Show when={asOfMs() === undefined} fallback={<p>{perSecond(props.edge.picksPerSecond) || 'No requests'}, {perSecond(props.edge.failuresPerSecond) || 'no'} failures.</p>}>
        <RateChart label={`Requests from ${props.edge.from} to ${props.edge.to}`} rates={sumOf([props.edge])} />
      </Show>
      <p>{props.edge.watches} {asOfMs() === undefined ? (props.edge.watches === 1 ? 'client watches' : 'clients watch') : (props.edge.watches === 1 ? 'client watched' : 'clients watched')} it. <a href={hrefOf(['clients'], { filter: props.edge.from })} onClick={follow}>Show the clients</a></p>
    </section>
  );
}

function End(props: { readonly kind: 'service' | 'client'; readonly name: string; readonly namespace: string }): JSX.Element {
  const query = (): Record<string, string> => (props.kind === 'service' ? { namespace: props.namespace } : { namespace: props.namespace, filter: props.name });
  return <a href={hrefOf(props.kind === 'service' ? ['services', props.name] : ['clients'], query())} onClick={follow}>{props.name}</a>;
}

function NothingYet(): JSX.Element {
  return (
    <Show when={asOfMs() === undefined} fallback={<p class="empty">No client used a service then.</p>}>
      <div class="empty">
        <p>No client uses a service yet. A client that watches a service, or sends requests to it, is an arrow here:</p>
        <pre>const rollcall = await connect(&#123; servers: ['{location.origin}'] &#125;);{'\n'}await rollcall.service('orders').fetch('/');</pre>
      </div>
    </Show>
  );
}
