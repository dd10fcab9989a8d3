/** All services with the number of their instances by status, and below it the page of one service. */

import { createMemo, Show, type JSX } from 'solid-js';
import { instanceStatuses, type ServiceHealth } from '@rollcall/protocol';
import { hasServices, watchServices, withoutTraffic } from '../../live/service-health.ts';
import type { PageProps } from '../../pages.ts';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { FirstSteps } from '../../parts/first-steps.tsx';
import { StatusCounts } from '../../parts/status.tsx';
import { SortBox, sortOrder } from '../../parts/sort-box.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf } from '../../place.ts';
import { ServicePage } from '../service/page.tsx';

const columns: readonly Column<ServiceHealth>[] = [
  { name: 'service', width: '2fr', cell: (row) => <a href={hrefOf(['services', row.service])} onClick={follow}>{row.service}</a> },
  { name: 'status', width: 'minmax(9rem, 2fr)', cell: (row) => <StatusCounts counts={row} /> },
  { name: 'instances', width: '6rem', cell: (row) => row.instances },
  { name: 'tags', width: '2fr', isEmpty: (row) => row.tags.length === 0, cell: (row) => <span class="tags">{row.tags.join(', ')}</span> },
];

const orders: Readonly<Record<string, (a: ServiceHealth, b: ServiceHealth) => number>> = {
  name: (a, b) => (a.service < b.service ? -1 : 1),
  trouble: (a, b) => withoutTraffic(b) - withoutTraffic(a) || (a.service < b.service ? -1 : 1),
  size: (a, b) => b.instances - a.instances || (a.service < b.service ? -1 : 1),
};

export default function ServicesPage(props: PageProps): JSX.Element {
  return (
    <Show when={props.parts[0]} keyed fallback={<ServiceList {...props} />}>
      {(service) => <ServicePage live={props.live} namespace={props.namespace} service={service} />}
    </Show>
  );
}

function ServiceList(props: PageProps): JSX.Element {
  const shown = watchServices(props.live, props.namespace);
  const filter = filterRows<ServiceHealth>({
    Service: (row) => row.service,
    Tags: ['texts', (row) => row.tags],
    Instances: ['number', (row) => row.instances],
    ...Object.fromEntries(instanceStatuses.map((status) => [capital(status), ['number', (row: ServiceHealth) => row[status]] as const])),
  });
  const rows = createMemo(() => [...filter.rows(shown().services)].sort(orders[sortOrder()] ?? orders['name']));
  return (
    <>
      <h1>Services</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Critical != 0" filter={filter} />
        <SortBox />
        <span class="count" role="status">{rows().length} of {shown().services.length}</span>
      </div>
      <Show when={shown().isReady}>
        <Show when={hasServices(shown())} fallback={<FirstSteps namespace={props.namespace} />}>
          <Table label="Services" rows={rows()} keyOf={(row) => row.service} order={`${filter.order()}\0${sortOrder()}`} columns={columns} open={(row) => go(hrefOf(['services', row.service]))} empty="No service matches the filter." />
        </Show>
      </Show>
    </>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
