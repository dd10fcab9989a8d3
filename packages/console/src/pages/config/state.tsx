/** Where a configuration stands on its way from draft to all clients, and what has happened to it. */

import { createSignal, For, Show, type JSX } from 'solid-js';
import type { ConfigStep, ShownRollout } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { follow } from '../../place.ts';
import { clockOf } from '../../live/time.ts';
import { openProposal, type Model } from './model.ts';
import { stageText } from './plan.ts';
import { Rollback } from './rollback.tsx';
import { ago } from './time.ts';
import { hrefFor } from './tree.tsx';

export function StatePane(props: { readonly model: Model; readonly outcome: Outcome }): JSX.Element {
  const { model } = props;
  const [goingBackTo, setGoingBackTo] = createSignal<number>();
  return (
    <aside class="config-state" aria-label="State and history">
      <Way model={model} />
      <h2>History</h2>
      <Show when={model.history().length > 0} fallback={<p class="hint">Nothing has been published yet.</p>}>
        <ol class="config-history">
          <For each={model.history()}>{(step) => <HistoryLine model={model} step={step} goBack={setGoingBackTo} />}</For>
        </ol>
      </Show>
      <Show when={goingBackTo()} keyed>{(to) => <Rollback model={model} to={to} outcome={props.outcome} onClose={() => setGoingBackTo(undefined)} />}</Show>
    </aside>
  );
}

type Mark = 'done' | 'now' | 'next';

/** draft → review → scheduled → rolling → active */
function Way(props: { readonly model: Model }): JSX.Element {
  const { model } = props;
  const row = () => model.one().content;
  const rolling = () => row()?.rollouts?.find(({ staged }) => staged !== undefined) ?? row()?.rollouts?.[0];
  const proposal = () => openProposal(model);
  const current = () => row()?.current;
  const draftMark = (): Mark => (proposal() !== undefined ? 'done' : model.draft() !== undefined ? 'now' : 'next');
  return (
    <ol class="config-way" aria-label="State">
      <Point name="Draft" mark={draftMark()}>
        <Show when={model.draft()} fallback={<span class="hint">none</span>}>
          {(draft) => (
            <>
              <span>{draft().remove === true ? 'a removal, ' : ''}saved {ago(draft().atMs, model.now())}<Show when={draft().editors.length > 0}> by {draft().editors.join(', ')}</Show></span>
              <Show when={draft().base !== (row()?.release ?? 0)}><span class="warn">based on release {draft().base}, and {row()?.release} is current: save it again on top</span></Show>
            </>
          )}
        </Show>
      </Point>
      <Point name="Review" mark={proposal() === undefined ? 'next' : proposal()?.missing === 0 ? 'done' : 'now'}>
        <Show when={proposal()} fallback={<span class="hint">{approvalsText(model)}</span>}>
          {(open) => (
            <>
              <Show when={open().message}><span>{open().message}</span></Show>
              <span>{open().approvals.length === 0 ? 'no approval yet' : `approved by ${open().approvals.map(({ by }) => by).join(', ')}`}<Show when={open().missing > 0}>, {open().missing} missing</Show></span>
              <a href={hrefFor(model.of, 'review', { proposal: String(open().number) })} onClick={follow}>review it</a>
            </>
          )}
        </Show>
      </Point>
      <Point name="Scheduled" mark={proposal()?.notBeforeMs === undefined ? 'next' : 'now'}>
        <Show when={proposal()?.notBeforeMs} fallback={<span class="hint">no time set</span>}>{(atMs) => <span>{clockOf(atMs(), Date.now())}</span>}</Show>
      </Point>
      <Point name="Rolling" mark={rolling() === undefined ? 'next' : 'now'}>
        <Show when={rolling()} fallback={<span class="hint">no rollout</span>}>
          {(rollout) => (
            <>
              <span>release {rollout().release}, {stageOf(rollout())}<Show when={rollout().staged?.state === 'paused'}>, paused</Show></span>
              <a href={hrefFor(model.of, 'rollout')} onClick={follow}>watch it</a>
            </>
          )}
        </Show>
      </Point>
      <Point name="Active" mark={current() === undefined ? 'next' : 'done'}>
        <Show when={current()} fallback={<span class="hint">clients get nothing</span>}>
          {(release) => (
            <>
              <span>release {release().number}, {ago(release().atMs, model.now())}<Show when={release().by}> by {release().by}</Show></span>
              <Show when={release().message}><span class="hint">{release().message}</span></Show>
            </>
          )}
        </Show>
      </Point>
    </ol>
  );
}

/** `20 %, stage 2 of 3` */
function stageOf({ staged }: ShownRollout): string {
  const stage = staged?.stages[staged.stage];
  return staged === undefined || stage === undefined ? 'for some clients' : `${stageText({ ...stage, bakeMs: 0 })}, stage ${staged.stage + 1} of ${staged.stages.length}`;
}

function Point(props: { readonly name: string; readonly mark: Mark; readonly children: JSX.Element }): JSX.Element {
  return (
    <li class={`point ${props.mark}`} aria-current={props.mark === 'now' ? 'step' : undefined}>
      <strong>{props.name}</strong>
      <div>{props.children}</div>
    </li>
  );
}

function approvalsText({ environment }: Model): string {
  const { approvals = 0, fourEyes = false } = environment().policy;
  return approvals === 0 ? 'no approval is asked for' : `asks for ${approvals} approval${approvals === 1 ? '' : 's'}${fourEyes ? ' of others' : ''}`;
}

const words: Readonly<Record<string, string>> = {
  'publish': 'published', 'rollback': 'rolled back', 'remove': 'removed', 'rollout-advance': 'next stage', 'rollout-pause': 'paused', 'rollout-resume': 'resumed',
  'rollout-stop': 'stopped', 'rollout-complete': 'reached all', 'auto-rollback': 'taken back by the alarm', 'settings': 'settings changed',
};

function HistoryLine(props: { readonly model: Model; readonly step: ConfigStep; readonly goBack: (to: number) => void }): JSX.Element {
  const { step, model } = props;
  const hasContent = step.step === 'publish' || step.step === 'rollback';
  return (
    <li classList={{ current: step.number === model.one().content?.release }}>
      <div>
        <strong>{step.number}</strong> {words[step.step] ?? step.step}
        <Show when={step.of}> to {step.of}</Show>
        <Show when={step.number === model.one().content?.release}><span class="badge passing">active</span></Show>
      </div>
      <div class="hint" title={clockOf(step.atMs, Date.now())}>{ago(step.atMs, model.now())}<Show when={step.by}> by {step.by}</Show></div>
      <Show when={step.message}><div>{step.message}</div></Show>
      <Show when={step.changes}>{(changes) => <div class="hint">{changes().map(({ setting }) => setting).join(', ')}</div>}</Show>
      <Show when={hasContent}>
        <div class="config-history-actions">
          <a href={hrefFor(model.of, 'compare', { from: String(step.parent), to: String(step.number) })} onClick={follow}>what it changed</a>
          <Show when={step.number !== model.one().content?.release && model.one().content?.rollouts?.some(({ release }) => release === step.number) !== true}>
            <a href={hrefFor(model.of, 'compare', { from: String(step.number), to: String(model.one().content?.release ?? 0) })} onClick={follow}>since then</a>
            <ActionButton denial={model.denied()?.publish} impossible={pastReason()} onClick={() => props.goBack(step.number)}>roll back</ActionButton>
          </Show>
        </div>
      </Show>
    </li>
  );
}
