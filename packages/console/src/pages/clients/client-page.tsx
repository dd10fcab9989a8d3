/** One connected client: what it is, what it has registered, what it watches and which releases it runs, and how often it calls other services. */

import { createMemo, For, Show, type Accessor, type JSX } from 'solid-js';
import type { ClientList, ListedClient } from '@rollcall/protocol';
import { milliseconds, perSecond, sumOf } from '../../live/client-list.ts';
import type { Polled } from '../../live/polled.ts';
import { DenialText } from '../../parts/allowed.tsx';
import { createRights } from '../../parts/denied.ts';
import { RateChart } from '../../parts/rate-chart.tsx';
import { follow, hrefOf } from '../../place.ts';
import { age, releaseText, watchText } from './words.ts';
import './page.css';

export function ClientPage(props: { readonly id: string; readonly shown: Accessor<Polled<ClientList>> }): JSX.Element {
  const client = createMemo(() => props.shown().content?.clients.find(({ id }) => id === props.id));
  return (
    <>
      <p class="way"><a href={hrefOf(['clients'])} onClick={follow}>Clients</a></p>
      <Show when={client()} fallback={<><h1>{props.shown().content === undefined ? 'Client' : 'This client is gone'}</h1><Show when={props.shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show><Show when={props.shown().content}><p class="hint">Its connection has ended. A client that connects again is another line in the list.</p></Show></>}>
        {(found) => <Shown client={found()} />}
      </Show>
    </>
  );
}

function Shown(props: { readonly client: ListedClient }): JSX.Element {
  const facts = (): readonly (readonly [string, string])[] => {
    const { version = '', via, node, address = '', principal = '', sinceMs, namespace } = props.client;
    const all = [['library', version], ['protocol', via], ['connected to', node], ['for', age(sinceMs)], ['namespace', namespace], ['address', address], ['token', principal]] as const;
    return all.filter(([, value]) => value !== '');
  };
  const rights = createRights(() => props.client.can, { inspect: { namespace: props.client.namespace, resource: 'operator', verb: 'read' } });
  return (
    <>
      <h1>{props.client.client}</h1>
      <dl class="facts"><For each={facts()}>{([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>}</For></dl>
      <Show when={rights('inspect')}>{(denial) => <p class="hint">Its address and its token are for operators. <DenialText denial={denial()} /></p>}</Show>
      <Show when={props.client.picks.length > 0}>
        <h2>Calls</h2>
        <RateChart label={`Requests of ${props.client.client}`} rates={sumOf(props.client.picks)} />
        <Plain label="Calls" columns={['service', 'picks', 'failures', 'mean', 'p99']} rows={props.client.picks.map((each) => [<Service name={each.service} />, perSecond(each.picksPerSecond), perSecond(each.failuresPerSecond), milliseconds(each.meanMs), milliseconds(each.p99Ms)])} />
      </Show>
      <h2>Instances</h2>
      <Show when={props.client.instances.length > 0} fallback={<p class="hint">It has registered none.</p>}>
        <Plain label="Instances" columns={['service', 'node', 'id']} rows={props.client.instances.map(({ service, node, id }) => [<Service name={service} />, node, id])} />
        <More shown={props.client.instances.length} count={props.client.instanceCount} />
      </Show>
      <h2>Watches</h2>
      <Show when={props.client.watches.length > 0} fallback={<p class="hint">It watches nothing that you may read.</p>}>
        <ul class="client-list"><For each={props.client.watches}>{(watch) => <li>{watch.kind === 'service' ? <>service <Service name={watch.name} /></> : watchText(watch)}</li>}</For></ul>
        <More shown={props.client.watches.length} count={props.client.watchCount} />
      </Show>
      <Show when={props.client.releases.length > 0}>
        <h2>Releases</h2>
        <ul class="client-list"><For each={props.client.releases}>{(release) => <li>{releaseText(release)}</li>}</For></ul>
      </Show>
    </>
  );
}

function Service(props: { readonly name: string }): JSX.Element {
  return <a href={hrefOf(['services', props.name])} onClick={follow}>{props.name}</a>;
}

function More(props: { readonly shown: number; readonly count: number }): JSX.Element {
  return <Show when={props.count > props.shown}><p class="hint">and {props.count - props.shown} more</p></Show>;
}

/** A short table, all of which is on the page. */
function Plain(props: { readonly label: string; readonly columns: readonly string[]; readonly rows: readonly (readonly JSX.Element[])[] }): JSX.Element {
  return (
    <table class="client-table" aria-label={props.label}>
      <thead><tr><For each={props.columns}>{(name) => <th scope="col">{name}</th>}</For></tr></thead>
      <tbody><For each={props.rows}>{(row) => <tr><For each={row}>{(cell) => <td>{cell}</td>}</For></tr>}</For></tbody>
    </table>
  );
}
