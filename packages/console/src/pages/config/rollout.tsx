/**
 * A rollout, live: which instances have which release, the stages with their times, the alarm and how near it is, who reports errors, and the buttons that
 * stop it, let it go on, or go back.
 */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import type { ReleaseCounts, ShownConfigReader, ShownRollout, StagedRollout } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { session } from '../../session.ts';
import { spanOf } from '../../live/time.ts';
import { author, setAuthor, type Model } from './model.ts';
import { alarmText, ruleText, stageText } from './plan.ts';
import { Rollback } from './rollback.tsx';
import { listedMax, watchWho } from './who.ts';

export function RolloutPart(props: { readonly model: Model; readonly outcome: Outcome }): JSX.Element {
  const { model } = props;
  const service = (): string => model.one().content?.rollouts?.find(({ staged }) => staged !== undefined)?.staged?.service ?? '';
  const state = watchWho(model, service);
  const releases = createMemo(() => state().content?.releases ?? []);
  const rollouts = (): readonly ShownRollout[] => model.one().content?.rollouts ?? [];
  const [isGoingBack, setGoingBack] = createSignal<number>();
  const before = createMemo(() => model.history().find(({ step, number, hash }) => (step === 'publish' || step === 'rollback') && hash !== '' && number < (model.one().content?.release ?? 0))?.number);
  return (
    <>
      <Show when={state().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <For each={rollouts().map(({ name }) => name)} fallback={<p class="hint">No rollout is under way. All clients get release {model.one().content?.release}.</p>}>
        {(name) => <Show when={rollouts().find((each) => each.name === name)}>{(rollout) => <Progress model={model} rollout={rollout()} releases={releases()} outcome={props.outcome} />}</Show>}
      </For>
      <Releases model={model} releases={releases()} count={state().content?.count ?? 0} missing={state().content?.missing ?? []} />
      <Show when={rollouts().length === 0 && before() !== undefined}>
        <div class="tools"><ActionButton kind="danger" denial={model.denied()?.publish} impossible={pastReason()} onClick={() => setGoingBack(before())}>Roll back to release {before()}</ActionButton></div>
      </Show>
      <Show when={isGoingBack()} keyed>{(to) => <Rollback model={model} to={to} outcome={props.outcome} onClose={() => setGoingBack(undefined)} />}</Show>
      <Readers readers={state().content?.readers ?? []} isReady={state().content !== undefined} all={sum(releases())} />
    </>
  );
}

function Progress(props: { readonly model: Model; readonly rollout: ShownRollout; readonly releases: readonly ReleaseCounts[]; readonly outcome: Outcome }): JSX.Element {
  const { model, outcome } = props;
  const [reason, setReason] = createSignal('');
  const control = (action: 'pause' | 'resume' | 'stop' | 'complete' | 'advance', text: string): void =>
    void outcome.run(async () => {
      const why = reason().trim() === '' ? {} : { message: reason().trim() };
      const { done } = await model.change<{ readonly done: boolean }>('/rollout', { rollout: props.rollout.name, action, ...why });
      setReason('');
      return { text: done ? text : 'Nothing was changed: the rollout has ended, or is in that state already.' };
    });
  const goBack = (): number => model.one().content?.release ?? 0;
  const denial = () => model.denied()?.publish;
  const staged = (): StagedRollout | undefined => props.rollout.staged;
  return (
    <section class="panel config-rollout" aria-label={`Rollout of release ${props.rollout.release}`}>
      <div class="config-rollout-head">
        <h2>Release {props.rollout.release} <span class={`badge ${staged()?.state === 'paused' ? 'warning' : 'starting'}`}>{staged()?.state ?? 'for some clients'}</span></h2>
        <div class="tools">
          <ActionButton kind="danger" denial={denial()} impossible={pastReason()} onClick={() => control('stop', `Stopped: ${goBack() === 0 ? 'these clients get nothing any more' : `all clients get release ${goBack()} again`}.`)}>Stop and roll back</ActionButton>
          <Show when={staged()}>
            {(plan) => (
              <>
                <Show when={plan().state === 'running'} fallback={<ActionButton denial={denial()} impossible={pastReason()} onClick={() => control('resume', 'It goes on.')}>Resume</ActionButton>}>
                  <ActionButton denial={denial()} impossible={pastReason()} onClick={() => control('pause', 'Paused: no client gets another release until it goes on.')}>Pause</ActionButton>
                </Show>
                <ActionButton denial={denial()} impossible={pastReason()} onClick={() => control('advance', 'The next stage has begun.')}>Next stage</ActionButton>
              </>
            )}
          </Show>
          <ActionButton denial={denial()} impossible={pastReason()} onClick={() => control('complete', 'All clients get the release.')}>Give to all</ActionButton>
        </div>
      </div>
      <div class="config-verdict">
        <Show when={session()?.accessControl === false}><label>Your name<input value={author()} onInput={(event) => setAuthor(event.currentTarget.value)} /></label></Show>
        <label class="config-reason">Reason<input value={reason()} onInput={(event) => setReason(event.currentTarget.value)} placeholder="for those who read the history" /></label>
      </div>
      <Show when={props.rollout.rule}>{(rule) => <p>Only {ruleText(rule())}.</p>}</Show>
      <Show when={staged()}>{(plan) => <Stages plan={plan()} nowMs={model.now()} />}</Show>
      <Show when={staged()?.alarm}>{(alarm) => <Budget text={alarmText(alarm())} share={alarm().share} on={alarm().on} rollout={props.rollout} releases={props.releases} />}</Show>
    </section>
  );
}

function Stages(props: { readonly plan: StagedRollout; readonly nowMs: number }): JSX.Element {
  const spentMs = (): number => props.plan.spentMs + (props.plan.state === 'running' ? Math.max(0, props.nowMs - props.plan.sinceMs) : 0);
  const bakeMs = (): number => props.plan.stages[props.plan.stage]?.bakeMs ?? 0;
  return (
    <ol class="config-stages">
      <For each={props.plan.stages.map(stageText)}>
        {(text, at) => (
          <li class={at() < props.plan.stage ? 'done' : at() === props.plan.stage ? 'now' : 'next'} aria-current={at() === props.plan.stage ? 'step' : undefined}>
            <span>{text}</span>
            <Show when={at() === props.plan.stage}>
              <progress max={Math.max(1, bakeMs())} value={Math.min(bakeMs(), spentMs())} aria-label="Time of the stage" />
              <span class="hint">{spentMs() < bakeMs() ? `${spanOf(bakeMs() - spentMs())} left` : 'due'}</span>
            </Show>
          </li>
        )}
      </For>
      <li class="next"><span>all clients</span></li>
    </ol>
  );
}

/** How far the instances with the release are from the alarm. */
function Budget(props: { readonly text: string; readonly share: number; readonly on: readonly string[]; readonly rollout: ShownRollout; readonly releases: readonly ReleaseCounts[] }): JSX.Element {
  const bad = ({ unhealthy, errors, faulty }: ReleaseCounts): number => (props.on.length > 1 ? faulty : props.on.includes('error') ? errors : unhealthy);
  const shareOf = (some: readonly ReleaseCounts[]): number => {
    const instances = some.reduce((all, each) => all + each.instances, 0);
    return instances === 0 ? 0 : some.reduce((all, each) => all + bad(each), 0) / instances;
  };
  const isWith = ({ release }: ReleaseCounts): boolean => release === props.rollout.release;
  const above = createMemo(() => Math.max(0, shareOf(props.releases.filter(isWith)) - shareOf(props.releases.filter((each) => !isWith(each)))));
  return (
    <div class="config-budget">
      <Show when={props.on.length > 0}><label>Budget of faults: {Math.round(above() * 100)} % of {Math.round(props.share * 100)} % used<meter min="0" max={props.share} low={props.share / 2} high={props.share * 0.8} optimum="0" value={above()} /></label></Show>
      <p class="hint">{props.text}</p>
    </div>
  );
}

/** A bar of the readers by the release that they get. */
function Releases(props: { readonly model: Model; readonly releases: readonly ReleaseCounts[]; readonly count: number; readonly missing: readonly string[] }): JSX.Element {
  const all = (): number => sum(props.releases);
  const looks = (release: number): string => (props.model.one().content?.rollouts?.some((each) => each.release === release) === true ? 'new' : release === 0 ? 'none' : '');
  const name = (release: number): string => (release === 0 ? 'nothing' : `release ${release}`);
  return (
    <section aria-label="Instances by release">
      <div class="config-bar" role="img" aria-label={props.releases.map(({ release, readers }) => `${readers} of ${all()} get ${name(release)}`).join(', ') || 'no instance'}>
        <For each={props.releases}>{({ release, readers }) => <span class={looks(release)} style={{ 'flex-grow': readers }} />}</For>
      </div>
      <ul class="config-legend">
        <For each={props.releases}>
          {({ release, readers, applied }) => <li><span class={`swatch ${looks(release)}`} aria-hidden="true" /><strong>{readers}</strong> of {all()} get {name(release)}{applied > 0 ? `, ${applied} use it` : ''}</li>}
        </For>
        <li class="hint">{props.count} connected client{props.count === 1 ? '' : 's'}</li>
        <Show when={props.missing.length > 0}><li class="warn">without the clients of {props.missing.join(', ')}, which did not answer</li></Show>
      </ul>
    </section>
  );
}

function sum(releases: readonly ReleaseCounts[]): number {
  return releases.reduce((all, { readers }) => all + readers, 0);
}

const columns: readonly Column<ShownConfigReader>[] = [
  { name: 'instance', width: 'minmax(11rem, 3fr)', cell: (row) => <span title={row.address}>{row.instance === '' ? row.address : row.instance}</span> },
  { name: 'gets', width: '3.5rem', cell: (row) => (row.release === 0 ? 'nothing' : row.release) },
  { name: 'uses', width: '3rem', isEmpty: (row) => row.applied === undefined, cell: (row) => row.applied ?? '' },
  { name: 'via', width: '4rem', isEmpty: (row) => row.reader?.via === undefined, cell: (row) => row.reader?.via ?? '' },
  { name: 'health', width: '7rem', cell: (row) => (row.unhealthy === undefined ? '' : <span class={`badge ${row.unhealthy ? 'critical' : 'passing'}`}>{row.unhealthy ? 'unhealthy' : 'healthy'}</span>) },
  { name: 'error', width: 'minmax(6rem, 2fr)', isEmpty: (row) => row.error === undefined, cell: (row) => <span class="error">{row.error ?? ''}</span> },
];

function Readers(props: { readonly readers: readonly ShownConfigReader[]; readonly isReady: boolean; readonly all: number }): JSX.Element {
  return (
    <Show when={props.isReady}>
      <Show when={props.all > listedMax}><p class="hint">{listedMax} of {props.all} are listed, those with a fault first.</p></Show>
      <Table label="Instances and clients" rows={props.readers} columns={columns} empty="No instance of the service is registered, and no client is connected." />
    </Show>
  );
}
