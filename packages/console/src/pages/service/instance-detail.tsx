/** One instance: its checks with their output, what happened to them, what an operator has set, metadata. */

import { createMemo, For, Show, type JSX } from 'solid-js';
import type { CheckChanges, Instance, InstanceDetail, InstanceDetails } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { answerTo } from '../../live/answer.ts';
import { asOfMs } from '../../live/as-of.ts';
import { polled } from '../../live/polled.ts';
import { clockOf } from '../../live/time.ts';
import type { LiveViews } from '../../live/views.ts';
import { CheckList } from '../../parts/check-list.tsx';
import { closesByEscape } from '../../parts/escape.ts';
import { StatusBadge } from '../../parts/status.tsx';
import { shownTime } from '../../parts/times.ts';
import { follow, hrefOf } from '../../place.ts';
import { session } from '../../session.ts';
import { hostPort, versionOf } from './instance-list.ts';

const changesShown = 20;

export function Detail(props: { readonly live: LiveViews; readonly namespace: string; readonly instance: Instance; readonly onClose: () => void }): JSX.Element {
  const query = (): string => String(new URLSearchParams({ service: props.instance.service, node: props.instance.node, id: props.instance.id }));
  const headers = { 'x-rollcall-namespace': props.namespace };
  const state = polled<InstanceDetails>(`/rollcall/v1/instances?${query()}`, headers, props.live.isPaused);
  closesByEscape(() => props.onClose());
  const detail = (): InstanceDetail | undefined => state().content?.instances[0];
  const statuses = createMemo(() => detail()?.checks.map(({ id, status }) => `${id} ${status}`).join());
  const history = answerTo(() => {
    // Asked for again when a check has another status: the server reads its whole history for it.
    if (statuses() === undefined || session()?.history !== true) return undefined;
    return ask<CheckChanges>('GET', `/rollcall/v1/history/checks?namespace=${encodeURIComponent(props.namespace)}&${query()}`);
  });
  const known = createMemo(() => untilThen(history().value, asOfMs()));
  const facts = createMemo((): readonly (readonly [string, JSX.Element])[] => {
    const { instance } = props;
    const known = detail();
    return [
      ['address', <span class="mono">{instance.scheme === undefined ? '' : `${instance.scheme}://`}{hostPort(instance)}</span>],
      ...(instance.node === '' ? [] : [['node', <a href={hrefOf(['nodes', instance.node])} onClick={follow}>{instance.node}</a>] as const]),
      ...(versionOf(instance) === '' ? [] : [['version', versionOf(instance)] as const]),
      ...(instance.zone === undefined ? [] : [['zone', instance.region === undefined ? instance.zone : `${instance.region} / ${instance.zone}`] as const]),
      ...Object.entries(instance.ports ?? {}).map(([name, { port }]) => [`port ${name}`, port] as const),
      ...(known === undefined ? [] : factsOf(known)),
      ...Object.entries(instance.meta).map(([key, value]) => [key, value] as const),
    ];
  });
  return (
    <section class="detail" aria-label={`Instance ${props.instance.id}`}>
      <div class="page-head">
        <h2>{props.instance.id} <StatusBadge status={props.instance.status} /></h2>
        <button type="button" class="plain" onClick={() => props.onClose()}>Close</button>
      </div>
      <Show when={detail()?.overridden ?? ((detail()?.override ?? detail()?.weightOverride) === undefined ? undefined : {})}>
        {(note) => <OverrideText detail={detail() as InstanceDetail} note={note()} />}
      </Show>
      <Show when={state().error}>{(error) => <p class="hint" role="status">{error()}</p>}</Show>
      <h3>Checks</h3>
      <Show when={(detail()?.checks.length ?? 0) > 0} fallback={<p class="hint">{detail() === undefined ? 'Loading …' : 'It has no check; it counts as passing.'}</p>}>
        <CheckList checks={detail()?.checks ?? []} />
      </Show>
      <Show when={known()}>{(content) => <Changes history={content()} />}</Show>
      <h3>Facts</h3>
      <dl class="facts"><For each={facts()}>{([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>}</For></dl>
    </section>
  );
}

/** Who set it, when and why. */
function OverrideText(props: { readonly detail: InstanceDetail; readonly note: Partial<NonNullable<InstanceDetail['overridden']>> }): JSX.Element {
  const what = (): string => {
    const { override, weightOverride, registeredWeight } = props.detail;
    return [...(override === undefined ? [] : [`status ${override}`]), ...(weightOverride === undefined ? [] : [`weight ${weightOverride} instead of ${registeredWeight}`])].join(', ');
  };
  const when = (): string => (props.note.atMs === undefined ? '' : ` ${shownTime(props.note.atMs)}`);
  return (
    <p class="override">
      <span class="badge draining">override</span> {what()}, set by {props.note.by || 'an operator'}{when()}{props.note.reason ? <>: <q>{props.note.reason}</q></> : ''}
    </p>
  );
}

function Changes(props: { readonly history: CheckChanges }): JSX.Element {
  const wasBornCritical = (): boolean => props.history.changes.some(({ from, to }) => from === null && to === 'critical');
  return (
    <>
      <h3>What happened to them</h3>
      <p class="hint">
        {props.history.failures === 0 ? 'No check has failed' : props.history.failures === 1 ? 'Failed once' : `Failed ${props.history.failures} times`} since {dayOf(props.history.sinceMs)}{wasBornCritical() ? ', apart from checks that were critical when they were new' : ''}.
      </p>
      <ol class="check-changes">
        <For each={props.history.changes.slice(0, changesShown)}>
          {(change) => <li><time datetime={new Date(change.atMs).toISOString()}>{shownTime(change.atMs)}</time> {change.check}: {change.from ?? 'new'} → <span class={`badge ${change.to ?? ''}`}>{change.to ?? 'removed'}</span> {change.output}</li>}
        </For>
      </ol>
    </>
  );
}

/** The server's answer goes up to now. */
function untilThen(history: CheckChanges | undefined, atMs: number | undefined): CheckChanges | undefined {
  if (history === undefined || atMs === undefined) return history;
  const later = history.changes.filter((change) => change.atMs > atMs);
  const failedLater = later.filter(({ from, to }) => from !== null && to === 'critical').length;
  return { ...history, changes: history.changes.slice(later.length), failures: history.failures - failedLater };
}

function factsOf({ reported, enabled, persistent, registeredWeight, warningWeight, registeredMs, changedMs, session }: InstanceDetail): readonly (readonly [string, JSX.Element])[] {
  return [
    ['reported status', `${reported}${enabled ? '' : ', disabled'}`],
    ['registered weight', `${registeredWeight}${warningWeight === undefined ? '' : `, ${warningWeight} while it warns`}`],
    ['kept by', persistent ? 'nothing: it stays until it is deregistered' : session === undefined ? 'its checks' : `the connection of ${session.name || 'its client'}`],
    ...(registeredMs === 0 ? [] : [['registered', shownTime(registeredMs)] as const]),
    ...(changedMs === undefined ? [] : [['last changed', shownTime(changedMs)] as const]),
  ];
}

/** `14:02:10` of today, `Tuesday` of this week, else the date. */
function dayOf(atMs: number): string {
  const days = (Date.now() - atMs) / 86_400_000;
  if (days < 1) return clockOf(atMs, Date.now());
  return days < 7 ? new Date(atMs).toLocaleDateString('en', { weekday: 'long' }) : shownTime(atMs).slice(0, 10);
}
