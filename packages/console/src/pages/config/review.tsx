/** A proposal: what it changes, what was checked, who has approved it, and what the operator may do with it. */

import { createMemo, createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { ConfigRelease, ListedProposal, ProposalDetail, Published } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { pastReason } from '../../live/as-of.ts';
import { clockOf } from '../../live/time.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { session } from '../../session.ts';
import { ApproversText } from './approvers.tsx';
import { pathOf } from './data.ts';
import { asOf, author, formatOf, type Model, openProposal, setAuthor } from './model.ts';
import { alarmText, planText, rolloutText } from './plan.ts';
import { Sides } from './sides.tsx';
import { ago } from './time.ts';

export function ReviewPart(props: { readonly model: Model; readonly outcome: Outcome; readonly number: string }): JSX.Element {
  const { model } = props;
  const head = createMemo(() => (props.number === '' ? (openProposal(model) ?? model.proposals()[0]) : model.proposals().find(({ number }) => String(number) === props.number)));
  const identity = createMemo(() => head()?.number);
  const [sides] = createResource(identity, async (number) => {
    const whole = await ask<ProposalDetail>('GET', pathOf('/proposal', model.of, { number: String(number), ...asOf() }));
    // Clients of a rollout have its present release, if it has one.
    const base = whole.replaces ?? whole.base;
    const before = base === 0 ? '' : (await ask<ConfigRelease>('GET', pathOf('/release', model.of, { number: String(base), ...asOf() }))).content;
    return { before, after: whole.content, base };
  });
  return (
    <Show when={head()} fallback={<p class="empty">No proposal waits. Save a draft and propose it.</p>}>
      {(proposal) => (
        <section class="config-review" aria-label={`Proposal ${proposal().number}`}>
          <Facts model={model} proposal={proposal()} />
          <Show when={proposal().state === 'open'}><Verdicts model={model} outcome={props.outcome} proposal={proposal()} /></Show>
          <Show when={proposal().remove !== true} fallback={<p class="warn">Clients are to get nothing of it any more.</p>}>
            <Show when={sides()} keyed>
              {({ before, after, base }) => <Sides before={before} after={after} format={formatOf(model)} labels={[base === 0 ? 'nothing' : `release ${base}`, 'proposed']} />}
            </Show>
          </Show>
        </section>
      )}
    </Show>
  );
}

function Facts(props: { readonly model: Model; readonly proposal: ListedProposal }): JSX.Element {
  const { model } = props;
  return (
    <dl class="facts">
      <dt>Proposal</dt><dd>{props.proposal.number} <span class="badge">{props.proposal.state}</span> {props.proposal.by === undefined ? '' : `by ${props.proposal.by}, `}{ago(props.proposal.atMs, model.now())}</dd>
      <Show when={props.proposal.message}><dt>Reason</dt><dd>{props.proposal.message}</dd></Show>
      <Show when={props.proposal.editors.length > 0}><dt>Edited by</dt><dd>{props.proposal.editors.join(', ')}</dd></Show>
      <Show when={props.proposal.checks.length > 0}><dt>Checked</dt><dd>{props.proposal.checks.join('; ')}</dd></Show>
      <dt>Reaches clients</dt><dd>{props.proposal.byPolicy === true && model.environment().policy.rollout !== undefined ? `by the rules of the environment: ${planText(model.environment().policy.rollout ?? { stages: [] })}` : rolloutText(props.proposal.rollout)}</dd>
      <Show when={props.proposal.rollout?.plan?.alarm}>{(alarm) => <><dt>Alarm</dt><dd>{alarmText(alarm())}</dd></>}</Show>
      <Show when={props.proposal.notBeforeMs}>{(atMs) => <><dt>Not before</dt><dd>{clockOf(atMs(), Date.now())}</dd></>}</Show>
      <dt>Approvals</dt>
      <dd>
        <Show when={props.proposal.approvals.length > 0} fallback="none yet">
          <ul class="config-approvals"><For each={props.proposal.approvals}>{({ by, atMs, message }) => <li><strong>{by}</strong> {ago(atMs, model.now())}<Show when={message}>: {message}</Show></li>}</For></ul>
        </Show>
        <Show when={props.proposal.state === 'open' && props.proposal.missing > 0}><span class="warn"> {props.proposal.missing} more needed</span></Show>
      </dd>
      <Show when={props.proposal.state === 'open' && props.proposal.missing > 0 && pastReason() === undefined}><dt>Can approve</dt><dd><ApproversText model={model} number={props.proposal.number} /></dd></Show>
    </dl>
  );
}

function Verdicts(props: { readonly model: Model; readonly outcome: Outcome; readonly proposal: ListedProposal }): JSX.Element {
  const { model, outcome } = props;
  const [comment, setComment] = createSignal('');
  const body = (): object => ({ number: props.proposal.number, ...(comment().trim() === '' ? {} : { message: comment().trim() }) });
  const act = (path: string, text: (answer: Published) => string): void =>
    void outcome.run(async () => {
      const answer = await model.change<Published>(path, body());
      setComment('');
      return { text: answer.done ? text(answer) : 'Nothing was changed: it was done already.' };
    });
  const isEditor = (): boolean => {
    const own = session()?.accessControl === true ? session()?.subject.accessorId : author().trim();
    return model.environment().policy.fourEyes === true && own !== undefined && own !== '' && props.proposal.editors.includes(own);
  };
  const needsName = (): string | undefined => (session()?.accessControl === false && author().trim() === '' ? 'an approval needs your name' : undefined);
  const early = (): string | undefined => ((props.proposal.notBeforeMs ?? 0) > model.now() ? `it is for ${clockOf(props.proposal.notBeforeMs ?? 0, Date.now())}` : undefined);
  return (
    <div class="question">
      <div class="config-verdict">
        <Show when={session()?.accessControl === false}><label>Your name<input value={author()} onInput={(event) => setAuthor(event.currentTarget.value)} /></label></Show>
        <label class="config-reason">Comment<input value={comment()} onInput={(event) => setComment(event.currentTarget.value)} placeholder="what you have looked at" /></label>
      </div>
      <div class="tools">
        <ActionButton kind="primary" denial={model.denied()?.approve} impossible={pastReason() ?? needsName() ?? (isEditor() ? 'you have edited it, and the environment asks for the approval of another person' : undefined)} onClick={() => act('/proposal/approve', () => 'Approved.')}>Approve</ActionButton>
        <ActionButton kind={props.proposal.missing === 0 ? 'primary' : 'plain'} denial={model.denied()?.publish} impossible={pastReason() ?? (props.proposal.missing > 0 ? `${props.proposal.missing} more approval${props.proposal.missing === 1 ? '' : 's'} needed` : early())} onClick={() => act('/proposal/publish', ({ release, rollout }) => `Release ${release ?? ''} ${rollout === undefined ? 'is published' : 'begins its rollout'}.`)}>Publish</ActionButton>
        <ActionButton kind="danger" denial={model.denied()?.edit} impossible={pastReason()} onClick={() => act('/proposal/withdraw', () => 'Withdrawn. The draft is still there.')}>Withdraw</ActionButton>
      </div>
    </div>
  );
}
