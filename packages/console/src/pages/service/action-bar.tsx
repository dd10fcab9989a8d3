/** What an operator may do with the chosen instances: a button for each action, the question before it with what it would come to, and a line for what it came to. */

import { createEffect, createSignal, For, on, Show, type JSX } from 'solid-js';
import type { ActionRefusal, ExplainedDenial, Instance } from '@rollcall/protocol';
import { answerTo } from '../../live/answer.ts';
import { asOfMs, pastReason } from '../../live/as-of.ts';
import { ActionButton, DenialText } from '../../parts/allowed.tsx';
import { closesByEscape } from '../../parts/escape.ts';
import { focusTitle, returnsFocus } from '../../parts/focus.ts';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { act, checkedText, nameOf, takeBack, type Action, type Outcome } from './requests.ts';

interface Entry {
  readonly action: Action;
  readonly name: string;
  /** What happens to the instances, for the question before it. */
  readonly effect: string;
  readonly done: string;
  readonly isGrave?: boolean;
}

const entries: readonly Entry[] = [
  { action: 'drain', name: 'Drain', effect: 'will get no new work; requests in flight may finish', done: 'are draining' },
  { action: 'out_of_service', name: 'Take out of service', effect: 'will get no traffic', done: 'are out of service' },
  { action: 'clear', name: 'Put back', effect: 'will get traffic again when their checks pass', done: 'are put back' },
  { action: 'weight', name: 'Set weight', effect: 'will get this share of the traffic instead of that of their registration', done: 'have another weight' },
  { action: 'check', name: 'Check now', effect: 'will be probed at once', done: 'are checked' },
  { action: 'deregister', name: 'Deregister', effect: 'will be removed, which cannot be taken back; one whose client lives registers itself again', done: 'are deregistered', isGrave: true },
];

/** A number that is still being typed is not asked about. */
const typingMs = 200;
const listedMax = 20;

export interface ActionBarProps {
  readonly namespace: string;
  readonly service: string;
  readonly chosen: readonly Instance[];
  /** Why the caller may do none of it. */
  readonly denial: ExplainedDenial | null | undefined;
  readonly onDone: () => void;
}

export function ActionBar(props: ActionBarProps): JSX.Element {
  const [asked, setAsked] = createSignal<Entry>();
  const [came, setCame] = createSignal<Outcome>();
  const outcome = createOutcome();
  const impossible = (): string | undefined => pastReason() ?? (props.chosen.length === 0 ? 'Select instances first: x, or their boxes.' : undefined);
  createEffect(on(asOfMs, () => setAsked(undefined), { defer: true }));

  const run = async (entry: Entry, weight: number | null, reason: string): Promise<void> => {
    setAsked(undefined);
    const chosen = props.chosen;
    setCame(undefined);
    await outcome.run(async () => {
      const result = await act({ namespace: props.namespace, action: entry.action, instances: chosen.map(nameOf), ...(entry.action === 'weight' ? { weight } : {}), reason }, false);
      setCame(result);
      props.onDone();
      const text = entry.action === 'check' ? checkedText(result) : `${result.applied} of ${result.of} instances ${entry.done}; ${result.left} get traffic.`;
      return result.undo.length === 0 ? { text } : { text, undo: () => takeBack(result.undo).then((said) => { setCame(undefined); return said; }) };
    });
  };

  return (
    <>
      <div class="tools" role="group" aria-label="Actions">
        <For each={entries}>
          {(entry) => <ActionButton denial={props.denial} impossible={impossible()} kind={entry.isGrave === true ? 'danger' : undefined} onClick={() => setAsked(entry)}>{entry.name}</ActionButton>}
        </For>
        <Show when={props.chosen.length > 0}><span class="count" role="status">{props.chosen.length} selected</span></Show>
      </div>
      <Show when={asked()} keyed>
        {(entry) => <Question entry={entry} {...props} onConfirm={(weight, reason) => void run(entry, weight, reason)} onCancel={() => setAsked(undefined)} />}
      </Show>
      <OutcomeLine outcome={outcome} />
      <Show when={came()}>{(result) => <Came outcome={result()} />}</Show>
    </>
  );
}

interface QuestionProps extends ActionBarProps {
  readonly entry: Entry;
  readonly onConfirm: (weight: number | null, reason: string) => void;
  readonly onCancel: () => void;
}

/** With a dry run, which is made again when the selection or the weight changes. */
function Question(props: QuestionProps): JSX.Element {
  const [weight, setWeight] = createSignal('1');
  const [reason, setReason] = createSignal('');
  const weightValue = (): number | null => (weight().trim() === '' ? null : Number(weight()));
  const isValid = (): boolean => props.entry.action !== 'weight' || weightValue() === null || (Number(weightValue()) >= 0 && Number(weightValue()) <= 65_535);
  const preview = answerTo(() => {
    const wish = { namespace: props.namespace, action: props.entry.action, instances: props.chosen.map(nameOf), ...(props.entry.action === 'weight' ? { weight: weightValue() } : {}), reason: '' };
    return wish.instances.length === 0 || !isValid() ? undefined : new Promise((typed) => setTimeout(typed, typingMs)).then(() => act(wish, true));
  });
  // Back to the button that asked; when it is done, nothing is selected for the button any more, and a list with the focus would keep its rows.
  let isDone = false;
  returnsFocus(() => isDone && focusTitle());
  let first!: HTMLElement;
  queueMicrotask(() => first.focus());
  closesByEscape(() => props.onCancel());
  return (
    <form
      class="question"
      aria-label="Confirm"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isValid()) return;
        isDone = true;
        props.onConfirm(weightValue(), reason().trim());
      }}
    >
      <p>
        {props.chosen.length} {props.chosen.length === 1 ? 'instance' : 'instances'} of {props.service} {props.entry.effect}.{' '}
        <span role="status">
          <Show when={preview().error === undefined} fallback={<span class="error">{preview().error}</span>}>
            <Show when={preview().value} fallback="Asking what it would come to …">{(outcome) => <PreviewText action={props.entry.action} outcome={outcome()} />}</Show>
          </Show>
        </span>
      </p>
      <Show when={(preview().value?.refused.length ?? 0) > 0}><Refused refused={preview().value?.refused ?? []} /></Show>
      <div class="tools">
        <Show when={props.entry.action === 'weight'}>
          <label>Weight <input ref={(element) => (first = element)} type="number" min="0" max="65535" step="any" class="short" value={weight()} onInput={(event) => setWeight(event.currentTarget.value)} /></label>
          <span class="hint">Empty: the weight that the instance registers with.</span>
        </Show>
        <Show when={props.entry.action !== 'check'}>
          <label>Reason <input ref={(element) => { if (props.entry.action !== 'weight') first = element; }} maxlength="500" placeholder="for the audit log" value={reason()} onInput={(event) => setReason(event.currentTarget.value)} /></label>
        </Show>
        <button ref={(element) => { if (props.entry.action === 'check') first = element; }} type="submit" class={props.entry.isGrave === true ? 'danger' : 'primary'} disabled={!isValid() || props.chosen.length === 0}>{props.entry.name}</button>
        <button type="button" onClick={() => props.onCancel()}>Cancel</button>
      </div>
    </form>
  );
}

function PreviewText(props: { readonly action: Action; readonly outcome: Outcome }): JSX.Element {
  const text = (): string => {
    const { applied, of, leaves, returns, left, clients } = props.outcome;
    if (props.action === 'check') return `${applied} can be checked.`;
    const moves = [...(leaves > 0 ? [`${leaves} of ${of} ${leaves === 1 ? 'leaves' : 'leave'} the traffic`] : []), ...(returns > 0 ? [`${returns} of ${of} ${returns === 1 ? 'gets' : 'get'} traffic again`] : [])];
    const used = clients === null ? '' : clients === 1 ? '; 1 client uses the service' : `; ${clients} clients use the service`;
    return `${moves.length === 0 ? 'The traffic stays as it is' : moves.join(', ')}; ${left} of ${of} ${left === 1 ? 'gets' : 'get'} traffic${moves.length === 0 ? '' : ' then'}${used}.`;
  };
  return <span classList={{ error: props.action !== 'check' && props.outcome.left === 0 && props.outcome.leaves > 0 }}>{text()}</span>;
}

/** The instances for which it was refused, and the results of probes. */
function Came(props: { readonly outcome: Outcome }): JSX.Element {
  return (
    <>
      <Show when={props.outcome.refused.length > 0}><Refused refused={props.outcome.refused} /></Show>
      <Show when={(props.outcome.checks?.length ?? 0) > 0}>
        <ul class="checked" aria-label="Results of the probes">
          <For each={props.outcome.checks?.slice(0, listedMax)}>
            {(check) => <li><span class={`badge ${check.status}`}>{check.status}</span> {check.id} <span class="hint">{check.check}</span> {check.output}</li>}
          </For>
        </ul>
        <Show when={(props.outcome.checks?.length ?? 0) > listedMax}><p class="hint">and {(props.outcome.checks?.length ?? 0) - listedMax} more; the list shows their status</p></Show>
      </Show>
    </>
  );
}

function Refused(props: { readonly refused: readonly ActionRefusal[] }): JSX.Element {
  return (
    <ul class="refused" aria-label="Refused">
      <For each={props.refused.slice(0, listedMax)}>{(each) => <li><b>{each.id}</b>: <Show when={each.denial} fallback={each.message}>{(denial) => <DenialText denial={denial()} />}</Show></li>}</For>
      <Show when={props.refused.length > listedMax}><li>and {props.refused.length - listedMax} more</li></Show>
    </ul>
  );
}
