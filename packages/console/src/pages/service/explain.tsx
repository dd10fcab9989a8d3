/** Which instances a caller's request goes to, with the share of each, and why it does not go to the others: computed by the client's own code from what the page shows. */

import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import type { Instance, RouteEntry } from '@rollcall/protocol';
import type { InstanceExplanation } from '../../../../client/src/explain/explanation.ts';
import { reasonText, ruleText } from '../../../../client/src/explain/reason-text.ts';
import type { LiveViews } from '../../live/views.ts';
import { StatusBadge } from '../../parts/status.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { place, refine } from '../../place.ts';
import { keyOf } from './instance-list.ts';
import { explainPicks, headersIn, type Caller, type Picks } from './picks.ts';

export interface ExplainProps {
  readonly live: LiveViews;
  readonly namespace: string;
  readonly service: string;
  readonly instances: readonly Instance[];
}

/** The properties of the caller in the address. */
const names = { zone: 'from-zone', tag: 'with-tag', key: 'with-key', headers: 'with-headers', ordinal: 'ordinal' } as const;
const standings = { eligible: 'yes', spare: 'at need', out: 'no' } as const;
const badges = { eligible: 'passing', spare: 'warning', out: 'critical' } as const;
/** While instances change, it is computed again at most so often, and takes a tenth of the page's time at most. */
const pauseMs = 1_000;

export default function Explain(props: ExplainProps): JSX.Element {
  const routes = props.live.watch<RouteEntry>({ kind: 'route', namespace: props.namespace, name: props.service });
  const asked = (name: keyof typeof names): string => place().query.get(names[name]) ?? '';
  const caller = createMemo((): Caller => ({ zone: asked('zone'), tag: asked('tag'), key: asked('key'), headers: headersIn(asked('headers')), ordinal: Number(asked('ordinal')) || 0 }));
  const route = createMemo(() => [...routes().items.values()][0]?.route);
  const [shown, setShown] = createSignal<{ readonly picks: Picks } | { readonly error: string }>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let readyMs = 0;
  const look = (): void => {
    timer = undefined;
    const beganMs = performance.now();
    try {
      setShown({ picks: explainPicks(props.service, props.instances, { route: route(), revision: 1 }, caller()) });
    } catch (error) {
      setShown({ error: error instanceof Error ? error.message : String(error) });
    }
    readyMs = performance.now() + Math.max(pauseMs, 9 * (performance.now() - beganMs));
  };
  createEffect(on([caller, route], look));
  createEffect(on(() => props.instances, () => {
    timer ??= setTimeout(look, Math.max(0, readyMs - performance.now()));
  }, { defer: true }));
  onCleanup(() => clearTimeout(timer));
  const picks = (): Picks | undefined => {
    const now = shown();
    return now !== undefined && 'picks' in now ? now.picks : undefined;
  };
  const error = (): string | undefined => {
    const now = shown();
    return now !== undefined && 'error' in now ? now.error : undefined;
  };
  const rows = createMemo(() => picks()?.instances.toSorted((a, b) => (b.share ?? 0) - (a.share ?? 0) || (keyOf(a.instance) < keyOf(b.instance) ? -1 : 1)) ?? []);
  const eligible = createMemo(() => rows().filter(({ standing }) => standing === 'eligible').length);
  const field = (name: keyof typeof names, label: string, placeholder: string): JSX.Element => (
    <label>{label} <input value={asked(name)} placeholder={placeholder} onInput={(event) => refine({ [names[name]]: event.currentTarget.value })} /></label>
  );
  return (
    <section class="panel explain" aria-label="Explain a pick">
      <h2>Where a request goes</h2>
      <p class="hint">As a client that has just started chooses, with these properties. What a running client has measured, such as ejected instances and latencies, only that client knows: <code>client.explain()</code>.</p>
      <div class="tools">
        {field('zone', 'Zone of the caller', 'none')}
        {field('tag', 'Selects the tag', 'any')}
        {field('key', 'Key of the request', 'none')}
        <label>Headers <textarea rows="1" value={asked('headers')} placeholder="name: value" onInput={(event) => refine({ [names.headers]: event.currentTarget.value })} /></label>
        <Show when={picks()?.hasSubset}>{field('ordinal', 'Ordinal of the caller', '0')}</Show>
      </div>
      <Show when={error()}>{(message) => <p class="error" role="alert">{message()}</p>}</Show>
      <Show when={picks()}>
        {(now) => (
          <>
            <p role="status"><strong>{eligible()}</strong> of {now().instances.length} get such requests.
              <Show when={(now().route?.words.length ?? 0) > 0}> The route decides {now().route?.words.join(', ')}.</Show>
              <Show when={now().route?.refused}>{(refused) => <> The route is not understood: {refused().reason}.</>}</Show>
            </p>
            <For each={now().groups.flatMap((group) => ruleText(group) ?? [])}>{(note) => <p class="warn">{note}</p>}</For>
            <Table label="Where requests go" rows={rows()} keyOf={(row) => keyOf(row.instance)} columns={columns} empty="No instance is registered." />
          </>
        )}
      </Show>
    </section>
  );
}

const columns: readonly Column<InstanceExplanation>[] = [
  { name: 'instance', width: '2fr', cell: ({ instance }) => instance.id },
  { name: 'chosen', width: '6rem', cell: ({ standing }) => <span class={`badge ${badges[standing]}`}>{standings[standing]}</span> },
  { name: 'share', width: '6rem', cell: ({ share }) => <span class="num">{share === undefined ? 'by load' : `${Math.round(share * 1_000) / 10} %`}</span> },
  { name: 'why not', width: '3fr', cell: ({ reasons }) => reasons.map(reasonText).join('; ') },
  { name: 'node', width: '9rem', cell: ({ instance }) => instance.node },
  { name: 'zone', width: '6rem', cell: ({ instance }) => instance.zone ?? '' },
  { name: 'status', width: '8rem', cell: ({ instance }) => <StatusBadge status={instance.status} /> },
];
