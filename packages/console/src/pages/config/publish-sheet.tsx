/**
 * What an operator sees before content goes to clients: what changes, what was checked, who is affected, in which stages, and what ends the rollout.
 * Where the environment asks for approvals, the same sheet makes a proposal.
 */

import { createMemo, createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { ConfigPolicy, ConfigReaders, ConfigVerdict, RolloutAlarm, RolloutInput, RolloutPlan } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { clockOf } from '../../live/time.ts';
import { Dialog } from '../../parts/dialog.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import { session } from '../../session.ts';
import { ApproversText } from './approvers.tsx';
import { pathOf, titleOf } from './data.ts';
import { author, draftFormat, formatOf, type Model, openProposal, setAuthor } from './model.ts';
import { parseRule, parseStages, planText, presets, rolloutText } from './plan.ts';
import { Sides } from './sides.tsx';

export interface PublishSheetProps {
  readonly model: Model;
  /** Undefined: it is removed from its clients. */
  readonly content: string | undefined;
  readonly outcome: Outcome;
  /** Saves the draft. @returns its revision; undefined when another editor was faster */
  readonly saved: () => Promise<number | undefined>;
  readonly onClose: () => void;
}

export function PublishSheet(props: PublishSheetProps): JSX.Element {
  const { model } = props;
  const policy = (): ConfigPolicy => model.environment().policy;
  const [stagesText, setStagesText] = createSignal('');
  const [ruleText, setRuleText] = createSignal('');
  const [alarms, setAlarms] = createSignal<readonly ('unhealthy' | 'error')[]>(['unhealthy', 'error']);
  const [sharePercent, setShare] = createSignal(20);
  const [webhook, setWebhook] = createSignal('');
  const [atText, setAtText] = createSignal('');
  const [message, setMessage] = createSignal('');
  const [isConfirmed, setConfirmed] = createSignal(false);
  const [isBusy, setBusy] = createSignal(false);
  const [error, setError] = createSignal('');
  const [verdict] = createResource(async () => (props.content === undefined ? undefined : ask<ConfigVerdict>('POST', pathOf('/check', model.of), { content: props.content, format: draftFormat(model), publishing: true })));
  const before = (): string => model.one().content?.current?.content ?? '';
  const stages = createMemo(() => parseStages(stagesText()));
  const rule = createMemo(() => parseRule(ruleText()));
  const approvals = (): number => policy().approvals ?? 0;
  const notBeforeMs = (): number | undefined => (atText() === '' ? undefined : new Date(atText()).getTime());
  const mayPublish = (): boolean => model.denied()?.publish === null;
  const isProposal = (): boolean => approvals() > 0 || notBeforeMs() !== undefined || !mayPublish();
  const freeze = () => policy().freezes?.find(({ fromMs, toMs }) => fromMs <= model.now() && model.now() < toMs);
  const lacksSchema = (): boolean => policy().schemaRequired === true && model.one().content?.schema === undefined && !['text', 'flags', 'xml'].includes(draftFormat(model));
  const faults = (): readonly string[] => (verdict.latest?.faults ?? []).map(({ message: text, line, path }) => `${line === undefined ? (path ?? '') : `line ${line}`}${line === undefined && path === undefined ? '' : ': '}${text}`);
  const refusals = (): ConfigVerdict['refusals'] => verdict.latest?.refusals ?? [];
  const obstacle = (): string | undefined => {
    const [parsed, forWhom, frozen] = [stages(), rule(), freeze()];
    if (verdict.loading) return 'the checks are still running';
    if (faults().length > 0) return 'the content has faults';
    if (refusals().some(({ reason }) => reason === 'webhook')) return 'the program of the policy does not agree';
    if (refusals().some(({ reason }) => reason === 'loss') && !isConfirmed()) return 'confirm first that content is meant to go';
    if (lacksSchema()) return 'the environment asks for a schema';
    if (frozen !== undefined && !isProposal()) return `nothing is published until ${clockOf(frozen.toMs, Date.now())}`;
    if (!parsed.ok) return parsed.message;
    if (!forWhom.ok) return forWhom.message;
    return undefined;
  };
  const plan = (): RolloutPlan | undefined => {
    const parsed = stages();
    if (!parsed.ok || parsed.value.length === 0) return undefined;
    const asked = webhook().trim();
    const alarm: RolloutAlarm | undefined = alarms().length === 0 && asked === '' ? undefined : { on: alarms(), share: sharePercent() / 100, ...(asked === '' ? {} : { webhook: asked }) };
    return { stages: parsed.value, ...(alarm === undefined ? {} : { alarm }) };
  };

  const rollout = (): RolloutInput | undefined => {
    const [staged, forWhom] = [plan(), rule()];
    const named = forWhom.ok && props.content !== undefined ? forWhom.value : undefined;
    if (staged === undefined && named === undefined) return undefined;
    return { name: staged === undefined ? 'rule' : 'release', ...(named === undefined ? {} : { rule: named }), ...(staged === undefined ? {} : { plan: staged }) };
  };

  const publish = async (): Promise<string> => {
    const why = message().trim() === '' ? {} : { message: message().trim() };
    const confirmed = isConfirmed() ? { confirmed: true } : {};
    const revision = await props.saved();
    if (revision === undefined) return 'Another editor has saved the draft meanwhile: nothing was published.';
    const terms = { ...(rollout() === undefined ? {} : { rollout: rollout() }), ...(notBeforeMs() === undefined ? {} : { notBeforeMs: notBeforeMs() }), ...(openProposal(model) === undefined ? {} : { replace: true }) };
    const { done, number } = await model.change<Answer>('/propose', { draft: revision, ...why, ...confirmed, ...terms });
    if (!done || number === undefined) return 'The draft has changed meanwhile: nothing was published.';
    if (isProposal()) return notBeforeMs() === undefined ? `Proposal ${number} waits for ${approvals() > 0 ? `${approvals()} approval${approvals() === 1 ? '' : 's'}` : 'a publisher'}.` : `It is published at ${clockOf(notBeforeMs() ?? 0, Date.now())}${approvals() > 0 ? ', if it is approved by then' : ''}.`;
    const published = await model.change<Answer>('/proposal/publish', { number });
    return published.done ? (published.removed === true ? 'Clients get nothing of it any more.' : `Release ${published.release ?? ''} ${published.rollout === undefined ? 'goes to all clients' : 'begins its rollout'}.`) : published.state === 'void' ? 'It was not published: the draft was changed, thrown away or proposed anew, so the proposal and its approvals are void.' : published.state === 'withdrawn' ? 'It was not published: the proposal was withdrawn.' : 'It is published already.';
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (obstacle() !== undefined || isBusy()) return;
    setBusy(true);
    setError('');
    try {
      const text = await publish();
      void props.outcome.run(() => Promise.resolve({ text }));
      props.onClose();
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
      setBusy(false);
    }
  };
  const onKey = (event: KeyboardEvent): void => {
    if ((event.metaKey || event.ctrlKey) && event.key === 'Enter') (event.currentTarget as HTMLFormElement).requestSubmit();
  };
  const staged = createMemo(() => plan());
  return (
    <Dialog title={`${isProposal() ? 'Propose' : 'Publish'} ${titleOf(model.of)} in ${model.of.environment}`} onClose={props.onClose}>
      <form class="config-sheet" onSubmit={(event) => void submit(event)} onKeyDown={onKey}>
        <div class="config-sheet-body">
          <section aria-labelledby="sheet-diff">
            <h3 id="sheet-diff">What changes</h3>
            <Show when={props.content !== undefined} fallback={<p class="warn">Clients will get nothing of it any more.</p>}>
              <Sides before={before()} after={props.content ?? ''} format={formatOf(model)} labels={[model.one().content?.release === 0 ? 'nothing' : `release ${model.one().content?.release ?? ''}`, 'new release']} />
            </Show>
          </section>
          <div class="config-sheet-columns">
            <section aria-labelledby="sheet-checks">
              <h3 id="sheet-checks">Checks</h3>
              <ul class="config-checks">
                <Show when={verdict.loading}><li class="hint">checking …</li></Show>
                <Show when={verdict.error as Error | undefined}>{(failure) => <li class="bad">{failure().message}</li>}</Show>
                <Show when={verdict.error === undefined}>
                  <For each={verdict.latest?.checks ?? []}>{(check) => <li class="good">{check}</li>}</For>
                  <For each={faults()}>{(fault) => <li class="bad">{fault}</li>}</For>
                  <For each={refusals()}>{(refusal) => <li class={refusal.reason === 'loss' ? 'warn' : 'bad'}>{refusal.message}</li>}</For>
                </Show>
                <Show when={lacksSchema()}><li class="bad">the environment asks for a schema, and it has none</li></Show>
                <Show when={freeze()}>{(frozen) => <li class="bad">frozen until {clockOf(frozen().toMs, Date.now())}: {frozen().why}</li>}</Show>
                <Show when={approvals() > 0} fallback={<li class="good">the environment asks for no approval</li>}><li class="warn">needs {approvals()} approval{approvals() === 1 ? '' : 's'}{policy().fourEyes === true ? ' of others than its editors' : ''}</li></Show>
                <Show when={isProposal() && approvals() > 0}><li class="hint">can approve: <ApproversText model={model} /></li></Show>
                <Show when={openProposal(model)}>{(open) => <li class="warn">proposal {open().number} is void then, with its approvals</li>}</Show>
              </ul>
              <Show when={refusals().some(({ reason }) => reason === 'loss')}><label class="config-inline"><input type="checkbox" checked={isConfirmed()} onChange={(event) => setConfirmed(event.currentTarget.checked)} /> More than half of the content goes, and that is meant</label></Show>
            </section>
            <Affected model={model} />
          </div>
          <Show when={props.content !== undefined}>
            <section class="config-sheet-columns" aria-label="Rollout and time">
              <div>
                <label>How it reaches clients
                  <select onChange={(event) => setStagesText(event.currentTarget.value)}>
                    <For each={presets}>{({ name, text }) => <option value={text} selected={text === stagesText()}>{name}</option>}</For>
                    <Show when={!presets.some(({ text }) => text === stagesText())}><option value={stagesText()} selected>as written below</option></Show>
                  </select>
                </label>
                <label>Stages<input value={stagesText()} placeholder="10%:10m 50%:10m, or 3:5m for 3 instances" onInput={(event) => setStagesText(event.currentTarget.value)} /></label>
                <p class="hint">{rollout() !== undefined ? `Reaches ${rolloutText(rollout())}.` : policy().rollout === undefined || model.one().content?.release === 0 ? 'All clients get it at once.' : `By the rules of the environment: ${planText(policy().rollout ?? { stages: [] })}.`}</p>
                <label>Only for some clients<input value={ruleText()} placeholder="label:ring=beta, address:10.0.0.0/8" onInput={(event) => setRuleText(event.currentTarget.value)} /></label>
              </div>
              <div>
                <fieldset disabled={staged() === undefined}>
                  <legend>Alarm</legend>
                  <p class="hint">The rollout ends by itself when instances with the release</p>
                  <For each={['unhealthy', 'error'] as const}>
                    {(kind) => <label class="config-inline"><input type="checkbox" checked={alarms().includes(kind)} onChange={(event) => setAlarms(event.currentTarget.checked ? [...alarms(), kind] : alarms().filter((each) => each !== kind))} /> {kind === 'unhealthy' ? 'are unhealthy or lost' : 'report an error'}</label>}
                  </For>
                  <label class="config-inline">and exceed the share of the others by <input type="number" min="1" max="100" value={sharePercent()} onInput={(event) => setShare(Number(event.currentTarget.value) || 20)} /> %</label>
                  <label>or when a program says so<input type="url" value={webhook()} placeholder="https://checks.example/rollout" onInput={(event) => setWebhook(event.currentTarget.value)} /></label>
                </fieldset>
                <label>Not before<input type="datetime-local" value={atText()} onInput={(event) => setAtText(event.currentTarget.value)} /></label>
              </div>
            </section>
          </Show>
        </div>
        <footer>
          <Show when={session()?.accessControl === false}><label class="config-who">Your name<input value={author()} onInput={(event) => setAuthor(event.currentTarget.value)} placeholder="for the history" /></label></Show>
          <label class="config-reason">Reason<input value={message()} onInput={(event) => setMessage(event.currentTarget.value)} placeholder="for those who read the history" /></label>
          <Show when={error()}><p class="error" role="alert">{error()}</p></Show>
          <p>
            <button type="submit" class="primary" aria-disabled={obstacle() !== undefined || isBusy()} aria-describedby="sheet-obstacle">{isProposal() ? 'Propose' : 'Publish'} <kbd>Ctrl ↵</kbd></button>{' '}
            <button type="button" onClick={() => props.onClose()}>Cancel</button>{' '}
            <span class="hint" id="sheet-obstacle" role="status">{obstacle() ?? ''}</span>
          </p>
        </footer>
      </form>
    </Dialog>
  );
}

interface Answer {
  readonly done: boolean;
  readonly number?: number;
  readonly release?: number;
  /** The rollout by which clients get it. */
  readonly rollout?: string;
  readonly removed?: boolean;
  /** Of a proposal that was not published. */
  readonly state?: string;
}

/** Who gets the configuration now. */
function Affected(props: { readonly model: Model }): JSX.Element {
  const hasRow = (): boolean => (props.model.one().content?.last ?? 0) > 0;
  const [who] = createResource(hasRow, () => ask<ConfigReaders>('GET', pathOf('/who', props.model.of, { limit: '8' })));
  const total = (of: 'instances' | 'readers'): number => (who.latest?.releases ?? []).reduce((all, each) => all + each[of], 0);
  const names = (): readonly string[] => (who.latest?.readers ?? []).map(({ instance }) => instance);
  const more = (): number => total('readers') - names().length;
  return (
    <section aria-labelledby="sheet-who">
      <h3 id="sheet-who">Who is affected</h3>
      <p class="config-affected"><strong>{total('instances')}</strong> instance{total('instances') === 1 ? '' : 's'}, <strong>{who.latest?.count ?? 0}</strong> connected client{who.latest?.count === 1 ? '' : 's'}</p>
      <p class="hint">{names().join(', ')}{more() > 0 ? ` and ${more()} more` : ''}</p>
      <Show when={(who.latest?.missing.length ?? 0) > 0}><p class="warn">Without the clients of {who.latest?.missing.join(', ')}, which did not answer.</p></Show>
    </section>
  );
}
