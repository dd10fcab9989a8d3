/** All nodes with their instances and checks, and below it one node with what is on it. */

import { createMemo, For, Show, type JSX } from 'solid-js';
import type { InstanceOnNode, NodeDetail, NodeHealth, NodeHealthAnswer } from '@rollcall/protocol';
import { polled } from '../../live/polled.ts';
import { withoutTraffic } from '../../live/service-health.ts';
import type { PageProps } from '../../pages.ts';
import { CheckList } from '../../parts/check-list.tsx';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { StatusBadge, StatusCounts } from '../../parts/status.tsx';
import { SortBox, sortOrder } from '../../parts/sort-box.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf } from '../../place.ts';

const columns: readonly Column<NodeHealth>[] = [
  { name: 'node', width: '2fr', cell: (row) => <a href={hrefOf(['nodes', row.node])} onClick={follow}>{row.node}</a> },
  { name: 'status', width: '8rem', cell: (row) => <StatusBadge status={row.status} /> },
  { name: 'instances', width: 'minmax(9rem, 2fr)', cell: (row) => <Show when={row.instances > 0} fallback={<span class="hint">none</span>}><StatusCounts counts={row} /></Show> },
  { name: 'checks', width: '8rem', cell: (row) => <span class="num">{failing(row) > 0 ? `${failing(row)} of ${checked(row)} fail` : checked(row)}</span> },
  { name: 'address', width: '10rem', cell: (row) => <span class="mono">{row.address}</span> },
  { name: 'metadata', width: '1fr', isEmpty: (row) => Object.keys(row.meta).length === 0, cell: (row) => <span class="tags">{Object.entries(row.meta).map(([key, value]) => `${key}=${value}`).join(', ')}</span> },
];

const orders: Readonly<Record<string, (a: NodeHealth, b: NodeHealth) => number>> = {
  trouble: (a, b) => Number(b.status !== 'passing') - Number(a.status !== 'passing') || withoutTraffic(b) - withoutTraffic(a) || failing(b) - failing(a) || (a.node < b.node ? -1 : 1),
  size: (a, b) => b.instances - a.instances || (a.node < b.node ? -1 : 1),
};

export default function NodesPage(props: PageProps): JSX.Element {
  return (
    <Show when={props.parts[0]} keyed fallback={<NodeList {...props} />}>
      {(node) => <NodePage {...props} node={node} />}
    </Show>
  );
}

function NodeList(props: PageProps): JSX.Element {
  const state = polled<NodeHealthAnswer>('/rollcall/v1/nodes', { 'x-rollcall-namespace': props.namespace }, props.live.isPaused);
  const all = (): readonly NodeHealth[] => state().content?.nodes ?? [];
  const filter = filterRows<NodeHealth>({
    Node: (row) => row.node,
    Address: (row) => row.address,
    Status: (row) => row.status,
    Meta: ['map', (row) => row.meta],
    Instances: ['number', (row) => row.instances],
    Failing: ['number', failing],
  });
  const rows = createMemo(() => {
    const wanted = filter.rows(all());
    const order = orders[sortOrder()];
    return order === undefined ? wanted : [...wanted].sort(order);
  });
  return (
    <>
      <h1>Nodes</h1>
      <Show when={state().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Failing != 0" filter={filter} />
        <SortBox />
        <span class="count" role="status">{rows().length} of {all().length}</span>
      </div>
      <Show when={state().content}>
        <Table
          label="Nodes"
          rows={rows()}
          keyOf={(row) => row.node}
          flash={(row) => `${row.status} ${withoutTraffic(row)}`}
          order={`${filter.order()}\0${sortOrder()}`}
          columns={columns}
          open={(row) => go(hrefOf(['nodes', row.node]))}
          empty={all().length === 0 ? <>No node that you may read is registered. Instances bring theirs: <code>rollcall run web --addr {location.host} --port 8080 -- ./server</code></> : 'No node matches the filter.'}
        />
      </Show>
    </>
  );
}

const onNode: readonly Column<InstanceOnNode>[] = [
  { name: 'service', width: '1fr', cell: (row) => <a href={hrefOf(['services', row.service])} onClick={follow}>{row.service}</a> },
  { name: 'instance', width: '2fr', cell: (row) => row.id },
  { name: 'status', width: '8rem', cell: (row) => <StatusBadge status={row.status} /> },
  { name: 'address', width: '12rem', cell: (row) => <span class="mono">{row.address}:{row.port}</span> },
  { name: 'weight', width: '5rem', cell: (row) => <span class="num">{row.weight}</span> },
  { name: 'tags', width: '2fr', cell: (row) => <span class="tags">{row.tags.join(', ')}</span> },
];

function NodePage(props: PageProps & { readonly node: string }): JSX.Element {
  const state = polled<NodeDetail>(`/rollcall/v1/nodes/one?${String(new URLSearchParams({ name: props.node }))}`, { 'x-rollcall-namespace': props.namespace }, props.live.isPaused);
  const facts = (detail: NodeDetail): readonly (readonly [string, string])[] => [['address', detail.address], ...(detail.id === undefined ? [] : [['id', detail.id] as const]), ...Object.entries(detail.meta)];
  return (
    <>
      <p class="way"><a href={hrefOf(['nodes'])} onClick={follow}>Nodes</a></p>
      <div class="page-head">
        <h1>{props.node}</h1>
        <Show when={state().content}>{(detail) => <StatusBadge status={detail().status} />}</Show>
      </div>
      <Show when={state().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={state().content}>
        {(detail) => (
          <>
            <dl class="facts"><For each={facts(detail())}>{([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>}</For></dl>
            <h2>Checks of the node</h2>
            <Show when={detail().checks.length > 0} fallback={<p class="hint">It has no check of its own.</p>}>
              <CheckList checks={detail().checks} />
            </Show>
            <h2>Instances</h2>
            <Show when={detail().count > detail().instances.length}><p class="hint">The first {detail().instances.length} of {detail().count}.</p></Show>
            <Table
              label={`Instances on ${props.node}`}
              rows={detail().instances}
              keyOf={(row) => row.id}
              flash={(row) => row.status}
              columns={onNode}
              open={(row) => go(hrefOf(['services', row.service], { instance: `${props.node}/${row.id}` }))}
              empty="No instance of this namespace is on it."
            />
          </>
        )}
      </Show>
    </>
  );
}

function failing({ checks: { warning, critical } }: NodeHealth): number {
  return warning + critical;
}

function checked({ checks: { passing, warning, critical } }: NodeHealth): number {
  return passing + warning + critical;
}
