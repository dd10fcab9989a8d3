/** Who uses the service: the clients of all nodes that watch it or choose its instances, and the route that they follow. */

import { createMemo, For, Show, type JSX } from 'solid-js';
import type { ClientList, ListedClient, RouteEntry } from '@rollcall/protocol';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';

/** Clients with the same name, program and protocol, as one line. */
interface Group {
  readonly name: string;
  readonly version: string;
  readonly via: string;
  readonly clients: number;
  readonly picks: number;
  readonly failures: number;
}

/** As `live/socket.ts` says of itself. */
const consoleName = 'console';
const listedMax = 200;
const linesMax = 12;

interface Props {
  readonly live: LiveViews;
  readonly namespace: string;
  readonly service: string;
}

export function Watchers(props: Props): JSX.Element {
  const query = new URLSearchParams({ namespace: props.namespace, service: props.service, limit: String(listedMax) });
  const state = polled<ClientList>(`/rollcall/v1/clients?${String(query)}`, {}, props.live.isPaused);
  // This page is a client itself.
  const programs = createMemo(() => (state().content?.clients ?? []).filter(({ client }) => client !== consoleName));
  const groups = createMemo(() => groupsOf(programs(), props.service));
  const count = (answer: ClientList): number => answer.count - (answer.clients.length - programs().length);
  return (
    <section class="panel" aria-label="Who uses it">
      <h2>Who uses it</h2>
      <Show when={state().content} fallback={<p class="hint">{state().error ?? 'Loading …'}</p>}>
        {(answer) => (
          <>
            <p class="hint">
              {count(answer()) === 0 ? 'No client watches it now.' : count(answer()) === 1 ? '1 client' : `${count(answer())} clients`}
              <Show when={answer().missing.length > 0}>; {answer().missing.join(', ')} did not answer</Show>
            </p>
            <ul class="watchers">
              <For each={groups().slice(0, linesMax)}>
                {(group) => (
                  <li>
                    <b>{group.name}</b> <span class="hint">{[group.clients === 1 ? '' : `${group.clients} ×`, group.via, group.version].filter((word) => word !== '').join(' ')}</span>
                    <Show when={group.picks > 0}><span class="num">{round(group.picks)} picks/s{group.failures > 0 ? `, ${round(group.failures)} failing` : ''}</span></Show>
                  </li>
                )}
              </For>
            </ul>
            <Show when={groups().length > linesMax}><p class="hint">and {groups().length - linesMax} more kinds of clients</p></Show>
          </>
        )}
      </Show>
      <RouteOf {...props} />
    </section>
  );
}

/** The rules that clients follow, as they are written. */
function RouteOf(props: Props): JSX.Element {
  const shown = props.live.watch<RouteEntry>({ kind: 'route', namespace: props.namespace, name: props.service });
  const route = (): RouteEntry | undefined => [...shown().items.values()][0];
  return (
    <Show when={route()} fallback={<p class="hint">It has no route: clients follow their own options.</p>}>
      {(entry) => (
        <details>
          <summary>Its route</summary>
          <pre>{JSON.stringify(entry().route, null, 2)}</pre>
        </details>
      )}
    </Show>
  );
}

function groupsOf(clients: readonly ListedClient[], service: string): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { client, version = '', via, instances, picks } of clients) {
    const name = instances[0]?.service ?? client;
    const key = `${name}\0${version}\0${via}`;
    const before = groups.get(key) ?? { name, version, via, clients: 0, picks: 0, failures: 0 };
    const own = picks.filter((each) => each.service === service);
    const sum = (of: (each: (typeof own)[number]) => number): number => own.reduce((total, each) => total + of(each), 0);
    groups.set(key, { ...before, clients: before.clients + 1, picks: before.picks + sum(({ picksPerSecond }) => picksPerSecond), failures: before.failures + sum(({ failuresPerSecond }) => failuresPerSecond) });
  }
  return [...groups.values()].sort((a, b) => b.picks - a.picks || b.clients - a.clients || (a.name < b.name ? -1 : 1));
}

function round(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}
