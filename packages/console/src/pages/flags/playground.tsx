/**
 * "Why is user 42 off": evaluates a flag for a targeting key and attributes, in this page, by the same program as clients and server, and says
 * which rule decided. What is asked is in the address, so that a link shows the same.
 */

import { traceFlag, type FlagTrace, type RulePath } from '@rollcall/protocol';
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import { nowMs } from '../../live/now.ts';
import { place, refine } from '../../place.ts';
import { distributionOf, samples, type Distribution } from './distribution.ts';
import { attributePath, conditionPath, conditionText, cut, outcomeText, partAt, percent } from './rule-text.ts';
import { readTargeting, type Json, type Rule, type Targeting } from './rules.ts';
import { attributesIn, textOfValue } from './values.ts';

/** A content that the flag is evaluated in: the release, the draft, the present edit. */
export interface Source {
  readonly name: string;
  readonly content: string;
}

export function Playground(props: { readonly flag: string; readonly sources: readonly Source[] }): JSX.Element {
  const key = (): string => place().query.get('key') ?? '';
  const text = (): string => place().query.get('with') ?? '';
  const asked = createMemo(() => attributesIn(text()));
  const context = createMemo((): Readonly<Record<string, Json>> => ({ ...asked().attributes, ...(key() === '' ? {} : { targetingKey: key() }) }));
  return (
    <section class="playground" aria-label="Playground">
      <h2>Playground</h2>
      <div class="asked">
        <label>
          Targeting key
          <input value={key()} placeholder="user-42" onInput={(event) => refine({ key: event.currentTarget.value })} />
        </label>
        <label>
          Attributes, one a line
          <textarea rows="3" value={text()} placeholder={'country=de\nbeta=true'} onInput={(event) => refine({ with: event.currentTarget.value })} />
        </label>
      </div>
      <Show when={asked().wrong.length > 0}><p class="error">A line must be NAME=VALUE; this one is not: {asked().wrong[0]}</p></Show>
      <div class="answers">
        <For each={props.sources}>{(source) => <Answer flag={props.flag} source={source} context={context()} />}</For>
      </div>
      <Show when={props.sources.length > 1 && differ(props)}><p class="hint" role="status">They differ for this key.</p></Show>
    </section>
  );

  function differ({ flag, sources }: { readonly flag: string; readonly sources: readonly Source[] }): boolean {
    const answers = sources.map(({ content }) => {
      const traced = traceFlag(content, flag, context(), nowMs());
      return traced.ok ? JSON.stringify([traced.trace.evaluation.variant, traced.trace.evaluation.value]) : '';
    });
    return new Set(answers).size > 1;
  }
}

function Answer(props: { readonly flag: string; readonly source: Source; readonly context: Readonly<Record<string, Json>> }): JSX.Element {
  const traced = createMemo(() => traceFlag(props.source.content, props.flag, props.context, nowMs()));
  const definition = createMemo((): { readonly targeting: Json | undefined; readonly evaluators: Json | undefined; readonly defaultVariant: string | undefined } => {
    try {
      const { flags, $evaluators } = JSON.parse(props.source.content) as { readonly flags?: Readonly<Record<string, { readonly targeting?: Json; readonly defaultVariant?: string }>>; readonly $evaluators?: Json };
      return { targeting: flags?.[props.flag]?.targeting, evaluators: $evaluators, defaultVariant: flags?.[props.flag]?.defaultVariant };
    } catch {
      return { targeting: undefined, evaluators: undefined, defaultVariant: undefined };
    }
  });
  const targeting = createMemo(() => readTargeting(definition().targeting));
  const trace = (): FlagTrace | undefined => {
    const now = traced();
    return now.ok ? now.trace : undefined;
  };
  return (
    <section class="answer" aria-label={`With the ${props.source.name}`}>
      <h3>{props.source.name}</h3>
      <Show when={trace()} fallback={<p class="error">{(traced() as { readonly message: string }).message}</p>}>
        {(shown) => (
          <>
            <p class="result">
              <strong>{shown().evaluation.variant ?? 'no variant'}</strong>
              <Show when={shown().evaluation.value !== undefined}>{' '}<code>{textOfValue(shown().evaluation.value as Json)}</code></Show>{' '}
              <span class="badge" classList={{ critical: shown().evaluation.reason === 'ERROR' }}>{shown().evaluation.reason}</span>
            </p>
            <Show when={shown().evaluation.errorMessage}>{(message) => <p class="error">{message()}</p>}</Show>
            <Why trace={shown()} targeting={targeting()} defaultVariant={definition().defaultVariant} />
            <Steps trace={shown()} targeting={definition().targeting} evaluators={definition().evaluators} />
          </>
        )}
      </Show>
      <Bar flag={props.flag} content={props.source.content} context={props.context} targeting={targeting()} />
    </section>
  );
}

const nameOf = (path: RulePath): string => JSON.stringify(path);

/** Each rule with what became of it. */
function Why(props: { readonly trace: FlagTrace; readonly targeting: Targeting; readonly defaultVariant: string | undefined }): JSX.Element {
  const steps = createMemo(() => new Map(props.trace.steps.map((step) => [nameOf(step.path), step])));
  const decided = (path: RulePath): boolean => props.trace.decidedBy !== undefined && nameOf(props.trace.decidedBy.slice(0, path.length)) === nameOf(path);
  const rules = createMemo((): readonly Rule[] => (props.targeting.kind === 'rules' ? props.targeting.rules : []));
  const otherwise = (): RulePath => (rules().length === 0 ? [] : ['if', 2 * rules().length]);
  const isDefault = (): boolean => ['STATIC', 'DEFAULT'].includes(props.trace.evaluation.reason);
  const split = createMemo(() => props.trace.steps.find(({ split: each, path }) => each !== undefined && decided(path))?.split);
  const verdict = (rule: Rule, at: number): string => {
    if (decided(['if', 2 * at + 1])) return 'decided';
    const first = steps().get(nameOf(conditionPath(rule, at, 0))) ?? steps().get(nameOf(['if', 2 * at]));
    return first === undefined ? 'not reached' : first.error === undefined ? 'does not hold' : 'has no result';
  };
  return (
    <Show when={props.trace.evaluation.reason !== 'DISABLED'} fallback={<p>The flag is off: programs use the default of their code.</p>}>
      <Show when={props.targeting.kind === 'rules'} fallback={<p>{decided([]) ? `The rule decided, in its part ${JSON.stringify(props.trace.decidedBy)}.` : 'The rule gave nothing.'}</p>}>
        <ol class="why" aria-label="Rules">
          <For each={rules()}>
            {(rule, at) => (
              <li classList={{ decided: verdict(rule, at()) === 'decided' }}>
                <span class="verdict">{verdict(rule, at())}</span>
                <For each={rule.conditions}>
                  {(condition, number) => {
                    const path = (): RulePath => conditionPath(rule, at(), number());
                    const value = (): string => {
                      const read = attributePath(condition, path());
                      const step = read === undefined ? undefined : steps().get(nameOf(read));
                      return step === undefined ? '' : step.value === null ? ' (it has none)' : ` (it is ${textOfValue(step.value as Json)})`;
                    };
                    return <span class="condition">{number() > 0 ? (rule.match === 'all' ? 'and ' : 'or ') : ''}{conditionText(condition)}<span class="hint">{value()}</span></span>;
                  }}
                </For>
                <span class="then">→ {outcomeText(rule.gives, props.defaultVariant)}</span>
              </li>
            )}
          </For>
          <li classList={{ decided: decided(otherwise()) || isDefault() }}>
            <span class="verdict">{decided(otherwise()) || isDefault() ? 'decided' : 'not reached'}</span>
            <span class="condition">{rules().length === 0 ? 'for all' : 'otherwise'}</span>
            <span class="then">→ {outcomeText(props.targeting.kind === 'rules' ? props.targeting.otherwise : undefined, props.defaultVariant)}</span>
          </li>
        </ol>
      </Show>
      <Show when={split()}>{(shown) => <p class="hint">The hash of <code>{shown().unit}</code> is in bucket {shown().bucket} of {shown().total}, counted from 0.</p>}</Show>
    </Show>
  );
}

function Steps(props: { readonly trace: FlagTrace; readonly targeting: Json | undefined; readonly evaluators: Json | undefined }): JSX.Element {
  return (
    <Show when={props.trace.steps.length > 0}>
      <details>
        <summary>{props.trace.steps.length} {props.trace.steps.length === 1 ? 'step' : 'steps'}{props.trace.isCut ? ' and more' : ''}</summary>
        <ol class="steps">
          <For each={props.trace.steps}>
            {(step) => <li><code>{cut(partAt(props.targeting, props.evaluators, step.path))}</code> = <Show when={step.error} fallback={<code>{cut((step.value ?? null) as Json)}</code>}>{(error) => <span class="error">{error()}</span>}</Show></li>}
          </For>
        </ol>
      </details>
    </Show>
  );
}

/** How many of 10,000 sample keys get each variant. */
function Bar(props: { readonly flag: string; readonly content: string; readonly context: Readonly<Record<string, Json>>; readonly targeting: Targeting }): JSX.Element {
  const [shown, setShown] = createSignal<Distribution>();
  const varied = createMemo(() => (props.targeting.kind === 'raw' ? [] : [...new Set([...props.targeting.rules.map(({ gives }) => gives), ...(props.targeting.otherwise === undefined ? [] : [props.targeting.otherwise])].flatMap((each) => (each.kind === 'split' && each.by !== undefined ? [each.by.attribute] : [])))]));
  createEffect(on(() => [props.flag, props.content, JSON.stringify(props.context)] as const, () => {
    const gone = new AbortController();
    onCleanup(() => gone.abort());
    void distributionOf({ content: props.content, flag: props.flag, attributes: props.context, varied: varied(), nowMs: nowMs(), signal: gone.signal }).then((found) => {
      if (!gone.signal.aborted) setShown(found);
    });
  }));
  return (
    <Show when={shown()}>
      {(now) => (
        <div class="distribution">
          <div class="bar" aria-hidden="true">
            <For each={now().counts}>{([, count], at) => <span class={`share share-${at() % 5}`} style={{ 'flex-grow': count }} />}</For>
          </div>
          <ul aria-label={`Of ${now().of} sample keys`}>
            <For each={now().counts}>{([name, count], at) => <li><span class={`mark share-${at() % 5}`} /> {percent(count, now().of)} {name}</li>}</For>
          </ul>
          <p class="hint">of {now().of.toLocaleString('en')} sample keys{now().of < samples ? ', since the rule is slow' : ''}, with these attributes{varied().length > 0 ? ` but ${varied().join(', ')}` : ''}</p>
        </div>
      )}
    </Show>
  );
}
