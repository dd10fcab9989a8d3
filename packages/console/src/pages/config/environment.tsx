/** The rules of an environment: its place in the order, and what it asks of each publication. */

import { createMemo, createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { ConfigEnvironment, ConfigPolicy, Done, EnvironmentStep } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { pastReason } from '../../live/as-of.ts';
import { lookAgain } from '../../live/polled.ts';
import { clockOf } from '../../live/time.ts';
import type { LiveViews } from '../../live/views.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { follow, hrefOf } from '../../place.ts';
import { denials, session } from '../../session.ts';
import { root } from './data.ts';
import { author, setAuthor } from './model.ts';
import { parseStages, planText, printStages } from './plan.ts';

export function EnvironmentPage(props: { readonly live: LiveViews; readonly environment: ConfigEnvironment; readonly isKnown: boolean }): JSX.Element {
  const outcome = createOutcome();
  const { environment: name } = props.environment;
  const [denied] = createResource(async () => (await denials([{ namespace: name, resource: 'operator', verb: 'write' }]))[0]);
  // Who may change the rules may see who has changed them.
  const [steps] = createResource(
    () => (denied.latest === null && pastReason() === undefined ? props.environment.revision : undefined),
    () => ask<readonly EnvironmentStep[]>('GET', `${root}/environment/history?${new URLSearchParams({ environment: name })}`),
  );
  const stored = createMemo(() => fieldsOf(props.environment));
  const [changed, setChanged] = createSignal<Partial<Fields>>({});
  const [reason, setReason] = createSignal('');
  const value = (field: keyof Fields): string => changed()[field] ?? stored()[field];
  const isChanged = createMemo(() => (Object.keys(changed()) as (keyof Fields)[]).some((field) => changed()[field] !== stored()[field]));
  const set = (field: keyof Fields, text: string): void => void setChanged({ ...changed(), [field]: text });
  const isOff = (): boolean => pastReason() !== undefined || denied.latest !== null;
  const text = (field: keyof Fields, label: string, hint: string, type = 'text'): JSX.Element => (
    <label>{label}<input type={type} min="0" value={value(field)} disabled={isOff()} onInput={(event) => set(field, event.currentTarget.value)} /><span class="hint">{hint}</span></label>
  );
  const box = (field: keyof Fields, label: string): JSX.Element => (
    <label class="config-inline"><input type="checkbox" checked={value(field) === 'yes'} disabled={isOff()} onChange={(event) => set(field, event.currentTarget.checked ? 'yes' : '')} /> {label}</label>
  );
  const stages = createMemo(() => parseStages(value('stages')));
  const stagesHint = (): string => {
    const parsed = stages();
    return parsed.ok ? (parsed.value.length === 0 ? 'all clients at once' : planText({ stages: parsed.value })) : parsed.message;
  };
  const save = (): void =>
    void outcome.run(async () => {
      const { policy, order } = rulesIn({ ...stored(), ...changed() }, props.environment.policy);
      const by = session()?.accessControl === false ? author().trim() : '';
      const why = reason().trim() === '' ? {} : { message: reason().trim() };
      const { done } = await ask<Done>('PUT', `${root}/environment?${new URLSearchParams({ environment: name, ...(by === '' ? {} : { by }) })}`, { order, policy, cas: props.environment.revision, ...why });
      lookAgain();
      if (!done) return { text: 'The rules were changed by another operator meanwhile: look at them, and change them again.' };
      setChanged({});
      setReason('');
      return { text: 'The rules hold from now on.' };
    });
  return (
    <>
      <section class="config-main scrolls" aria-label={`Environment ${name}`}>
        <p class="way"><a href={hrefOf(['config'])} onClick={follow}>Configuration</a></p>
        <h1>{name}</h1>
        <OutcomeLine outcome={outcome} />
        <Show when={props.isKnown} fallback={<p class="empty">There is no such environment, or you may not see it.</p>}>
          <form class="config-form" onSubmit={(event) => { event.preventDefault(); if (isChanged() && !isOff() && stages().ok) save(); }}>
            {text('order', 'Place in the order', 'development before production', 'number')}
            {text('approvals', 'Approvals', 'content is published by proposals only, each with so many; 0: at once', 'number')}
            {box('fourEyes', 'Who has edited a proposal cannot approve it')}
            {box('schemaRequired', 'A configuration needs a schema before it is published')}
            {text('webhook', 'Program that must agree', 'a URL: it gets each content by POST; no answer within 5 s is a refusal')}
            <label>Stages of each release after the first<input value={value('stages')} disabled={isOff()} placeholder="10%:10m 50%:10m" onInput={(event) => set('stages', event.currentTarget.value)} /><span class={stages().ok ? 'hint' : 'error'}>{stagesHint()}</span></label>
            <label>Freezes<textarea rows="3" value={value('freezes')} disabled={isOff()} placeholder="2027-12-24T00:00Z 2027-12-27T00:00Z Christmas" onInput={(event) => set('freezes', event.currentTarget.value)} /><span class="hint">a line each: from, to and why. Nothing is published between the two</span></label>
            {text('historyMax', 'Steps of the history that are kept', 'of each configuration: a number, or forever; empty: 100')}
            <Show when={session()?.accessControl === false}><label>Your name<input value={author()} onInput={(event) => setAuthor(event.currentTarget.value)} /></label></Show>
            <label>Reason<input value={reason()} disabled={isOff()} onInput={(event) => setReason(event.currentTarget.value)} /></label>
            <div class="tools">
              <ActionButton kind="primary" denial={denied.latest} impossible={pastReason() ?? (isChanged() ? (stages().ok ? undefined : 'the stages cannot be read') : 'nothing has changed')} onClick={save}>Save rules</ActionButton>
              <Show when={isChanged()}><button type="button" onClick={() => setChanged({})}>Reset</button></Show>
            </div>
          </form>
        </Show>
      </section>
      <aside class="config-state" aria-label="Rules in force">
        <h2>In force</h2>
        <Show when={sentences(props.environment.policy).length > 0} fallback={<p class="hint">It has no rules: content is published at once by those who may.</p>}>
          <ul class="config-rules"><For each={sentences(props.environment.policy)}>{(line) => <li>{line}</li>}</For></ul>
        </Show>
        <Show when={(steps.latest ?? []).length > 0}>
          <h2>Changes</h2>
          <ol class="config-history">
            <For each={steps.latest}>
              {(step) => (
                <li>
                  <div class="hint">{clockOf(step.atMs, Date.now())}{step.by === undefined ? '' : ` by ${step.by}`}</div>
                  <Show when={step.message}><div>{step.message}</div></Show>
                  <div>{step.after === undefined ? 'The rules were taken away.' : sentences(step.after.policy).join(' ') || 'No rules.'}</div>
                </li>
              )}
            </For>
          </ol>
        </Show>
      </aside>
    </>
  );
}

interface Fields {
  readonly order: string;
  readonly approvals: string;
  readonly fourEyes: string;
  readonly schemaRequired: string;
  readonly webhook: string;
  readonly stages: string;
  readonly freezes: string;
  readonly historyMax: string;
}

function fieldsOf({ order, policy }: ConfigEnvironment): Fields {
  const { approvals = 0, fourEyes, schemaRequired, webhook = '', rollout, freezes = [], historyMax } = policy;
  return {
    order: String(order),
    approvals: String(approvals),
    fourEyes: fourEyes === true ? 'yes' : '',
    schemaRequired: schemaRequired === true ? 'yes' : '',
    webhook,
    stages: rollout === undefined ? '' : printStages(rollout.stages),
    freezes: freezes.map(({ fromMs, toMs, why }) => `${instant(fromMs)} ${instant(toMs)} ${why}`).join('\n'),
    historyMax: historyMax === undefined ? '' : String(historyMax),
  };
}

function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/(?::00)?\.000Z$/, 'Z');
}

/** @throws Error for a freeze that cannot be read */
function rulesIn(fields: Fields, { rollout, historyMs }: ConfigPolicy): { readonly order: number; readonly policy: ConfigPolicy } {
  const stages = parseStages(fields.stages);
  const freezes = fields.freezes.split('\n').filter((line) => line.trim() !== '').map((line) => {
    const [from = '', to = '', ...why] = line.trim().split(/\s+/);
    const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
    if (Number.isNaN(fromMs) || Number.isNaN(toMs)) throw new Error(`${line.trim()} is no freeze: write two times and why, such as 2027-12-24T00:00Z 2027-12-27T00:00Z Christmas`);
    return { fromMs, toMs, why: why.join(' ') };
  });
  const policy: ConfigPolicy = {
    ...(Number(fields.approvals) > 0 ? { approvals: Number(fields.approvals) } : {}),
    ...(fields.fourEyes === '' ? {} : { fourEyes: true }),
    ...(fields.schemaRequired === '' ? {} : { schemaRequired: true }),
    ...(fields.webhook.trim() === '' ? {} : { webhook: fields.webhook.trim() }),
    ...(stages.ok && stages.value.length > 0 ? { rollout: { ...rollout, stages: stages.value } } : {}),
    ...(freezes.length === 0 ? {} : { freezes }),
    ...(fields.historyMax === '' ? {} : { historyMax: fields.historyMax === 'forever' ? fields.historyMax : Number(fields.historyMax) }),
    ...(historyMs === undefined ? {} : { historyMs }),
  };
  return { order: Number(fields.order) || 0, policy };
}

/** The policy in words, a rule a line. */
export function sentences({ approvals = 0, fourEyes, schemaRequired, webhook, rollout, freezes = [], historyMax }: ConfigPolicy): readonly string[] {
  return [
    ...(approvals > 0 ? [`Content needs ${approvals} approval${approvals === 1 ? '' : 's'}${fourEyes === true ? ', and its editors cannot approve it' : ''}.`] : []),
    ...(schemaRequired === true ? ['A configuration needs a schema before it is published.'] : []),
    ...(webhook === undefined ? [] : [`The program at ${webhook} must agree.`]),
    ...(rollout === undefined ? [] : [`Each release after the first: ${planText(rollout)}.`]),
    ...freezes.map(({ fromMs, toMs, why }) => `Nothing is published from ${clockOf(fromMs, Date.now())} to ${clockOf(toMs, Date.now())}: ${why}`),
    ...(historyMax === undefined ? [] : [historyMax === 'forever' ? 'Each history is kept forever.' : `${historyMax} steps of each history are kept.`]),
  ];
}
