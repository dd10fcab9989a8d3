/** The servers of the store: who belongs to it, which of them watches how much, how far each is behind, what needs an operator, and which programs are told of events. */

import { createMemo, createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { ClusterAnswer, ExpiryOverride, ExplainedDenial, LossCause, ShownMember } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { overrideText } from '../../live/expiry-override.ts';
import { pastReason } from '../../live/as-of.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import type { PageProps } from '../../pages.ts';
import { ActionButton, DenialText } from '../../parts/allowed.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { shownTime, untilText } from '../../parts/times.ts';
import { denials } from '../../session.ts';
import { certificatesOf, warnMs } from './cluster.ts';
import { Webhooks } from './webhooks.tsx';

const columns: readonly Column<ShownMember>[] = [
  { name: 'node', width: 'minmax(11rem, 2fr)', cell: (row) => <>{row.name}{row.isOwn ? <> <span class="pill">this one</span></> : ''}{row.worker === true ? <> <span class="pill">{row.facts?.process ?? 'worker'}</span></> : ''}{row.edge === true ? <> <span class="pill">edge</span></> : ''}</> },
  { name: 'state', width: '8rem', cell: (row) => <State member={row} /> },
  { name: 'watches', width: '6rem', cell: (row) => <span class="num">{row.facts?.watched ?? ''}</span> },
  { name: 'revision', width: '7rem', cell: (row) => <span class="num">{row.facts?.revision ?? ''}</span> },
  { name: 'behind', width: '8rem', cell: (row) => (row.facts === undefined ? '' : row.facts.lag.revisions === 0 ? 'nothing' : `${row.facts.lag.revisions}, ${row.facts.lag.seconds} s`) },
  { name: 'version', width: '6rem', cell: (row) => row.version },
  { name: 'epoch', width: '4rem', isEmpty: (row) => row.epoch === 0, cell: (row) => (row.epoch === 0 ? '' : row.epoch) },
  { name: 'memory', width: '6rem', cell: (row) => (row.facts === undefined ? '' : `${row.facts.memoryMiB} MiB`) },
  { name: 'started', width: '7rem', cell: (row) => (row.facts === undefined ? '' : untilText(row.facts.startedMs)) },
  { name: 'address', width: '2fr', isEmpty: (row) => row.address === '', cell: (row) => row.address },
];

export default function ClusterPage(props: PageProps): JSX.Element {
  const [rights] = createResource(() => denials([{ resource: 'operator', verb: 'read' }, { resource: 'operator', verb: 'write' }]));
  return (
    <>
      <h1>Cluster</h1>
      <Show when={pastReason() === undefined} fallback={<p class="hint">The state of servers has no history: go back to now to see it.</p>}>
        <Show when={rights()}>
          {(known) => <Show when={known()[0]} fallback={<><Servers live={props.live} denial={known()[1] ?? undefined} /><Webhooks namespace={props.namespace} isPaused={() => props.live.isPaused()} denial={known()[1] ?? undefined} /></>}>{(denial) => <p class="panel"><DenialText denial={denial()} /></p>}</Show>}
        </Show>
      </Show>
    </>
  );
}

function Servers(props: { readonly live: LiveViews; readonly denial: ExplainedDenial | undefined }): JSX.Element {
  const state = polled<ClusterAnswer>('/rollcall/v1/cluster', {}, () => props.live.isPaused());
  const outcome = createOutcome();
  const [isAsking, setAsking] = createSignal(false);
  const members = createMemo(() => state().content?.members ?? []);
  const frozen = createMemo(() => members().filter(({ facts }) => facts?.liveness.frozen === true));
  const watched = createMemo(() => members().reduce((sum, { facts }) => sum + (facts?.watched ?? 0), 0));
  const certificates = createMemo(() => certificatesOf(members()));
  const override = (): void => {
    setAsking(false);
    void outcome.run(async () => {
      return { text: overrideText(await ask<ExpiryOverride>('POST', '/rollcall/v1/expiry/override')) };
    });
  };
  return (
    <>
      <Show when={state().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={state().content}>
        {(cluster) => (
          <>
            <dl class="figures">
              <div><dt>nodes</dt><dd>{members().filter(({ worker }) => worker !== true).length}</dd></div>
              <div><dt>deadlines watched</dt><dd>{watched()}</dd></div>
              <div><dt>rows in the store</dt><dd>{cluster().rows}</dd></div>
              <div><dt>revision</dt><dd>{cluster().revision}</dd></div>
              <div><dt>engine</dt><dd>{cluster().engine}</dd></div>
            </dl>
            <OutcomeLine outcome={outcome} />
            <Show when={frozen().length > 0}>
              <section class="panel" aria-label="Expiry is frozen">
                <h2 class="bad">Expiry is frozen: many leases lapsed at once, which looks like a fault of the network</h2>
                <For each={frozen()}>{(member) => <Freeze member={member} />}</For>
                <p>Nothing expires until the leases come back or the time is over. If the loss is real, let them expire now.</p>
                <ActionButton kind="danger" denial={props.denial} impossible={frozen().some(({ isOwn, worker }) => isOwn || worker === true) ? undefined : `open the console of ${frozen().map(({ name }) => name).join(', ')}: the freeze is of that server`} onClick={() => setAsking(true)}>Let them expire</ActionButton>
                <Show when={isAsking()}>
                  <div class="question" role="group" aria-label="Confirm">
                    <p>All lapsed leases of this server expire now: their instances turn critical, and their sessions end.</p>
                    <button type="button" class="danger" onClick={override}>Let them expire</button>{' '}
                    <button type="button" onClick={() => setAsking(false)}>Cancel</button>
                  </div>
                </Show>
              </section>
            </Show>
            <Show when={cluster().missing.length > 0}><p class="error" role="alert">These nodes have not answered: {cluster().missing.join(', ')}.</p></Show>
            <Table label="Nodes" rows={members()} columns={columns} empty="There are no nodes." />
            <Show when={!cluster().isShared}>
              <p class="hint">This server has its store for itself: nothing else watches its deadlines while it is down. To add nodes that take over, <code>rollcall serve --followers</code> here, or an etcd as the store.</p>
            </Show>
            <Show when={cluster().failed.length > 0}>
              <section class="panel" aria-label="Failed nodes">
                <h2>Nodes that have failed</h2>
                <ul><For each={cluster().failed}>{(node) => <li>{node.name} ({node.version}) at {node.address || 'no address'}: {untilText(node.failedMs)}; others watch what it watched.</li>}</For></ul>
              </section>
            </Show>
            <Show when={certificates().length > 0}>
              <section class="panel" aria-label="Certificates">
                <h2>Certificates</h2>
                <dl class="facts">
                  <For each={certificates()}>
                    {(each) => <><dt>{each.listener} of {each.node}{each.kind === 'authority' ? ', clients’ authority' : ''}</dt><dd classList={{ bad: each.notAfterMs < Date.now() + warnMs }}>{each.subject}, ends {shownTime(each.notAfterMs)} ({untilText(each.notAfterMs)})</dd></>}
                  </For>
                </dl>
              </section>
            </Show>
          </>
        )}
      </Show>
    </>
  );
}

function State(props: { readonly member: ShownMember }): JSX.Element {
  const text = (): readonly [word: string, pill: string] => {
    const { facts, draining } = props.member;
    if (facts === undefined) return ['does not answer', 'bad'];
    if (!facts.ready) return [facts.reason ?? 'not ready', 'bad'];
    if (facts.liveness.frozen) return ['frozen', 'warn'];
    return draining === true ? ['leaving', 'warn'] : ['ready', 'good'];
  };
  return <span class={`pill ${text()[1]}`} title={text()[0]}>{text()[0]}</span>;
}

function Freeze(props: { readonly member: ShownMember }): JSX.Element {
  const liveness = (): NonNullable<ShownMember['facts']>['liveness'] | undefined => props.member.facts?.liveness;
  const causes = (all: readonly LossCause[] | undefined): string => (all ?? []).map(({ name, lost, of }) => `${name} (${lost} of ${of})`).join(', ') || 'none';
  return (
    <dl class="facts">
      <dt>node</dt><dd>{props.member.name}: {liveness()?.held} leases wait{liveness()?.untilMs === undefined ? '' : `, until ${shownTime(liveness()?.untilMs ?? 0)} at the latest`}</dd>
      <dt>nodes that have lost most</dt><dd>{causes(liveness()?.causes?.nodes)}</dd>
      <dt>services</dt><dd>{causes(liveness()?.causes?.services)}</dd>
      <dt>callers</dt><dd>{causes(liveness()?.causes?.principals)}</dd>
    </dl>
  );
}
