/** One service: its health, its instances, live, what an operator may do with them, and who uses it. */

import { createMemo, For, lazy, Show, Suspense, type JSX } from 'solid-js';
import { getsTraffic, type Instance, type InstanceStatus, type CountsByStatus, type InstanceDetails, type InstanceDetail } from '@rollcall/protocol';
import { answerTo } from '../../live/answer.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { FilterBox } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { createSelection } from '../../parts/selection.ts';
import { StatusBadge, StatusCounts } from '../../parts/status.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { shownTime } from '../../parts/times.ts';
import { follow, hrefOf, place, refine } from '../../place.ts';
import { denials } from '../../session.ts';
import { ActionBar } from './action-bar.tsx';
import { HealthStrip } from './health-strip.tsx';
import { Detail } from './instance-detail.tsx';
import { createOrder, hostPort, keyOf, versionOf } from './instance-list.ts';
import './page.css';
import { Watchers } from './watchers.tsx';

/** It brings the client's choice of an instance with it, which the page itself does not need. */
const Explain = lazy(() => import('./explain.tsx'));

/** What the lists of zones and versions choose by, in the address. */
type Facet = 'zone' | 'version';

const facetOf: Readonly<Record<Facet, (instance: Instance) => string>> = { zone: ({ zone = '' }) => zone, version: versionOf };
const facets = ['zone', 'version'] as const;
/** Values of a facet that are shown; the rest is found by the filter. */
const valuesMax = 12;

export function ServicePage(props: { readonly live: LiveViews; readonly namespace: string; readonly service: string }): JSX.Element {
  const shown = props.live.watch({ kind: 'service', namespace: props.namespace, name: props.service });
  const right = (verb: 'read' | 'write') => ({ namespace: props.namespace, resource: 'service', verb, name: props.service });
  const denied = answerTo(() => denials([right('read'), right('write')]));
  // The server would only refuse what a caller without the right asks for.
  const mayRead = (): boolean => denied().value?.[0] === null;
  const overridden = createMemo(() => (mayRead() ? polled<InstanceDetails>(`/rollcall/v1/instances?${String(new URLSearchParams({ service: props.service }))}`, { 'x-rollcall-namespace': props.namespace }, props.live.isPaused) : undefined));
  const overrides = createMemo(() => new Map((overridden()?.().content?.instances ?? []).map((each) => [keyOf(each), each])));
  const selection = createSelection();
  const inOrder = createOrder();
  const asked = (facet: Facet): string => place().query.get(facet) ?? '';
  const opened = (): string => (place().query.get('instance') ?? '').replace('/', '\0');

  const all = createMemo(() => inOrder(shown()));
  const filter = filterRows<Instance>({
    Id: (row) => row.id,
    Node: (row) => row.node,
    Address: hostPort,
    Status: (row) => row.status,
    Zone: (row) => row.zone ?? '',
    Version: versionOf,
    Tags: ['texts', (row) => row.tags],
    Meta: ['map', (row) => row.meta],
    Weight: ['number', (row) => row.weight],
  });
  const rows = createMemo(() => {
    const wanted = facets.map((facet) => [facetOf[facet], asked(facet)] as const).filter(([, value]) => value !== '');
    const found = filter.rows(all());
    return wanted.length === 0 ? found : found.filter((instance) => wanted.every(([of, value]) => of(instance) === value));
  });
  const counts = createMemo(() => countsOf(all()));
  const chosen = createMemo(() => (selection.keys().size === 0 ? [] : all().filter((instance) => selection.has(keyOf(instance)))));
  const isExplaining = (): boolean => place().query.get('explain') === 'yes';
  const detail = (): Instance | undefined => (opened() === '' ? undefined : shown().items.get(opened()));
  const open = (instance: Instance): void => refine({ instance: opened() === keyOf(instance) ? '' : `${instance.node}/${instance.id}` });

  const columns: readonly Column<Instance>[] = [
    { name: 'instance', width: '2fr', cell: (row) => row.id },
    { name: 'status', width: '8rem', cell: (row) => <StatusBadge status={row.status} /> },
    { name: 'address', width: '12rem', cell: (row) => <span class="mono">{hostPort(row)}</span> },
    { name: 'node', width: '10rem', cell: (row) => row.node },
    { name: 'zone', width: '6rem', isEmpty: (row) => (row.zone ?? '') === '', cell: (row) => row.zone ?? '' },
    { name: 'version', width: '6rem', isEmpty: (row) => versionOf(row) === '', cell: (row) => versionOf(row) },
    { name: 'weight', width: '7rem', cell: (row) => <Weight instance={row} override={overrides().get(keyOf(row))} /> },
    { name: 'tags', width: '1.5fr', isEmpty: (row) => row.tags.length === 0, cell: (row) => <span class="tags">{row.tags.join(', ')}</span> },
  ];

  return (
    <>
      <p class="way"><a href={hrefOf(['services'])} onClick={follow}>Services</a></p>
      <div class="page-head">
        <h1>{props.service}</h1>
        <StatusCounts counts={counts()} />
      </div>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={mayRead()}><HealthStrip namespace={props.namespace} service={props.service} /></Show>
      <Show when={shown().isPartial}><p class="hint">Instances on nodes that you may not read are left out.</p></Show>
      <div class="facets"><For each={facets}>{(facet) => <Values facet={facet} all={all()} asked={asked(facet)} />}</For></div>
      <div class="tools">
        <FilterBox label='Filter by words, or Status == critical' filter={filter} />
        <span class="count" role="status">{rows().length} of {all().length}</span>
        <button type="button" aria-pressed={isExplaining()} onClick={() => refine({ explain: isExplaining() ? '' : 'yes' })}>Explain a pick</button>
      </div>
      <Show when={isExplaining() && shown().isReady}><Suspense fallback={<p role="status">Loading …</p>}><Explain live={props.live} namespace={props.namespace} service={props.service} instances={all()} /></Suspense></Show>
      <ActionBar namespace={props.namespace} service={props.service} chosen={chosen()} denial={denied().value?.[1]} onDone={() => selection.clear()} />
      <Show when={shown().isReady}>
        <Table
          label={`Instances of ${props.service}`}
          rows={rows()}
          keyOf={keyOf}
          nameOf={(row) => row.id}
          flash={(row) => row.status}
          order={[filter.order(), ...facets.map(asked)].join('\0')}
          selection={selection}
          columns={columns}
          open={open}
          current={opened()}
          empty={all().length === 0 ? <>No instance is registered. Start one: <code>rollcall run {props.service} --addr {location.host} --port 8080 -- ./server</code></> : 'No instance matches the filter.'}
        />
      </Show>
      <Show when={detail() !== undefined && opened()} keyed>
        {(_key) => <Show when={detail()}>{(instance) => <Detail live={props.live} namespace={props.namespace} instance={instance()} onClose={() => refine({ instance: '' })} />}</Show>}
      </Show>
      <Watchers live={props.live} namespace={props.namespace} service={props.service} />
    </>
  );
}

/** With the mark of an operator's override, if there is one. */
function Weight(props: { readonly instance: Instance; readonly override: InstanceDetail | undefined }): JSX.Element {
  return (
    <>
      <span class="num">{props.instance.weight}</span>{' '}
      <Show when={props.override}>
        {(override) => <span class="overridden" title={titleOf(override())}>{override().weightOverride === undefined ? 'override' : `not ${override().registeredWeight}`}</span>}
      </Show>
    </>
  );
}

function titleOf({ override, weightOverride, overridden }: InstanceDetail): string {
  const what = [...(override === undefined ? [] : [`status ${override}`]), ...(weightOverride === undefined ? [] : [`weight ${weightOverride}`])].join(', ');
  return overridden === undefined ? what : `${what}, set by ${overridden.by || 'an operator'} ${shownTime(overridden.atMs)}${overridden.reason === '' ? '' : `: ${overridden.reason}`}`;
}

interface ValuesProps {
  readonly facet: Facet;
  readonly all: readonly Instance[];
  readonly asked: string;
}

/** How many instances have which value, and a button that shows these alone. */
function Values(props: ValuesProps): JSX.Element {
  const values = createMemo(() => {
    const counts = new Map<string, { instances: number; serving: number }>();
    for (const instance of props.all) {
      const value = facetOf[props.facet](instance);
      const count = counts.get(value) ?? { instances: 0, serving: 0 };
      count.instances++;
      if (getsTraffic(instance.status)) count.serving++;
      counts.set(value, count);
    }
    return [...counts].filter(([value]) => value !== '').sort(([a, x], [b, y]) => y.instances - x.instances || (a < b ? -1 : 1));
  });
  // Names alone, so that a button stays the same while its numbers change.
  const names = createMemo(() => values().slice(0, valuesMax).map(([name]) => name), [], { equals: (a, b) => a.length === b.length && a.every((name, at) => name === b[at]) });
  const counted = (name: string): { instances: number; serving: number } | undefined => values().find(([value]) => value === name)?.[1];
  return (
    <Show when={names().length > 0}>
      <div role="group" aria-label={props.facet === 'zone' ? 'Zones' : 'Versions'}>
        <span class="hint">{props.facet === 'zone' ? 'zones' : 'versions'}</span>
        <For each={names()}>
          {(name) => (
            <button type="button" class="pill" aria-pressed={props.asked === name} onClick={() => refine({ [props.facet]: props.asked === name ? '' : name })}>
              {name} <span class="num">{counted(name)?.serving}/{counted(name)?.instances}</span>
            </button>
          )}
        </For>
        <Show when={values().length > valuesMax}><span class="hint">and {values().length - valuesMax} more</span></Show>
      </div>
    </Show>
  );
}

function countsOf(instances: readonly Instance[]): CountsByStatus {
  const counts: Record<InstanceStatus, number> = { passing: 0, warning: 0, starting: 0, draining: 0, critical: 0, maintenance: 0 };
  for (const { status } of instances) counts[status]++;
  return counts;
}
