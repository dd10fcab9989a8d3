/** The rules of a flag in fields: conditions, what they give, and their order. Parts that have no fields are shown as JSON. */

import { For, Index, Match, Show, Switch, type JSX } from 'solid-js';
import { attributeOf, conditionOf, evenSplit, jsonIn, movedUp, newCondition, newRule, removed, replaced, testOf, tests, valueTextOf, withValueText } from './change-rules.ts';
import type { Condition, Outcome, Rule, Targeting } from './rules.ts';

export interface RuleEditorProps {
  readonly targeting: Targeting;
  readonly variants: readonly string[];
  readonly onChange: (targeting: Targeting) => void;
}

export function RuleEditor(props: RuleEditorProps): JSX.Element {
  const known = (): Extract<Targeting, { readonly kind: 'rules' }> | undefined => (props.targeting.kind === 'rules' ? props.targeting : undefined);
  const rules = (): readonly Rule[] => known()?.rules ?? [];
  const otherwise = (): Outcome | undefined => known()?.otherwise;
  const change = (next: readonly Rule[]): void => props.onChange({ kind: 'rules', rules: next, otherwise: otherwise() });
  return (
    <Show when={known()} fallback={<RawJson label="Targeting as JSON" json={props.targeting.kind === 'raw' ? JSON.stringify(props.targeting.rule, undefined, 2) : ''} onChange={(rule) => props.onChange({ kind: 'raw', rule })} />}>
      <ol class="rules" aria-label="Rules of the editor">
        <Index each={rules()}>
          {(rule, at) => (
            <li>
              <fieldset>
                <legend>Rule {at + 1}</legend>
                <Show when={rule().conditions.length > 1}>
                  <label>
                    Holds if{' '}
                    <select value={rule().match} onChange={(event) => change(replaced(rules(), at, { ...rule(), match: event.currentTarget.value === 'any' ? 'any' : 'all' }))}>
                      <option value="all">all of these hold</option>
                      <option value="any">one of these holds</option>
                    </select>
                  </label>
                </Show>
                <Index each={rule().conditions}>
                  {(condition, number) => (
                    <ConditionFields
                      condition={condition()}
                      label={`Rule ${at + 1}, condition ${number + 1}`}
                      isOnly={rule().conditions.length === 1}
                      onChange={(next) => change(replaced(rules(), at, { ...rule(), conditions: replaced(rule().conditions, number, next) }))}
                      onRemove={() => change(replaced(rules(), at, { ...rule(), conditions: removed(rule().conditions, number) }))}
                    />
                  )}
                </Index>
                <OutcomeFields outcome={rule().gives} variants={props.variants} label={`Rule ${at + 1} gives`} onChange={(gives) => change(replaced(rules(), at, { ...rule(), gives: gives ?? { kind: 'default' } }))} />
                <div class="tools">
                  <button type="button" onClick={() => change(replaced(rules(), at, { ...rule(), conditions: [...rule().conditions, newCondition] }))}>Add a condition</button>
                  <button type="button" disabled={at === 0} onClick={() => change(movedUp(rules(), at))}>Move up</button>
                  <button type="button" onClick={() => change(removed(rules(), at))}>Remove the rule</button>
                </div>
              </fieldset>
            </li>
          )}
        </Index>
      </ol>
      <div class="tools"><button type="button" onClick={() => change([...rules(), newRule(props.variants)])}>Add a rule</button></div>
      <OutcomeFields outcome={otherwise()} variants={props.variants} label={rules().length === 0 ? 'All get' : 'Otherwise'} onChange={(next) => props.onChange({ kind: 'rules', rules: rules(), otherwise: next })} />
    </Show>
  );
}

function ConditionFields(props: { readonly condition: Condition; readonly label: string; readonly isOnly: boolean; readonly onChange: (condition: Condition) => void; readonly onRemove: () => void }): JSX.Element {
  const valueField = (name: string): JSX.Element => (
    <input
      aria-label={`${props.label}: ${name}`}
      value={valueTextOf(props.condition)}
      onChange={(event) => {
        const next = withValueText(props.condition, event.currentTarget.value);
        if (next === undefined) event.currentTarget.setCustomValidity('this is no JSON');
        else {
          event.currentTarget.setCustomValidity('');
          props.onChange(next);
        }
        event.currentTarget.reportValidity();
      }}
    />
  );
  return (
    <div class="fields">
      <Switch fallback={<>
        <input aria-label={`${props.label}: attribute`} value={attributeOf(props.condition)} onInput={(event) => props.onChange(conditionOf(event.currentTarget.value, testOf(props.condition), valueTextOf(props.condition)))} />
        <select aria-label={`${props.label}: test`} onChange={(event) => props.onChange(conditionOf(attributeOf(props.condition), event.currentTarget.value, valueTextOf(props.condition)))}>
          <For each={tests}>{([id, name]) => <option value={id} selected={testOf(props.condition) === id}>{name}</option>}</For>
        </select>
        {valueField('value')}
      </>}>
        <Match when={props.condition.kind === 'shared'}><span>the shared rule</span>{valueField('shared rule')}<span>holds</span></Match>
        <Match when={props.condition.kind === 'raw'}><span>JSON</span>{valueField('JSON')}</Match>
      </Switch>
      <Show when={!props.isOnly}><button type="button" aria-label={`Remove: ${props.label}`} onClick={() => props.onRemove()}>Remove</button></Show>
    </div>
  );
}

/** @param props.outcome undefined: the default variant */
function OutcomeFields(props: { readonly outcome: Outcome | undefined; readonly variants: readonly string[]; readonly label: string; readonly onChange: (outcome: Outcome | undefined) => void }): JSX.Element {
  const chosen = (): string => {
    const { outcome } = props;
    return outcome === undefined || outcome.kind === 'default' ? 'default' : outcome.kind === 'variant' ? `variant ${outcome.variant}` : outcome.kind;
  };
  const choose = (choice: string): void => {
    if (choice === 'split') props.onChange(evenSplit(props.variants));
    else if (choice === 'default') props.onChange(undefined);
    else if (choice.startsWith('variant ')) props.onChange({ kind: 'variant', variant: choice.slice('variant '.length) });
  };
  const split = (): Extract<Outcome, { readonly kind: 'split' }> | undefined => (props.outcome?.kind === 'split' ? props.outcome : undefined);
  const raw = (): Extract<Outcome, { readonly kind: 'raw' }> | undefined => (props.outcome?.kind === 'raw' ? props.outcome : undefined);
  const shown = (): readonly string[] => {
    const { outcome } = props;
    return outcome?.kind === 'variant' && !props.variants.includes(outcome.variant) ? [...props.variants, outcome.variant] : props.variants;
  };
  return (
    <div class="outcome-fields">
      <label>
        {props.label}{' '}
        <select onChange={(event) => choose(event.currentTarget.value)}>
          <For each={shown()}>{(variant) => <option value={`variant ${variant}`} selected={chosen() === `variant ${variant}`}>{variant}</option>}</For>
          <option value="split" selected={chosen() === 'split'}>a share by hash</option>
          <option value="default" selected={chosen() === 'default'}>the default variant</option>
          <Show when={chosen() === 'raw'}><option value="raw" selected>JSON</option></Show>
        </select>
      </label>
      <Show when={raw()}>{(present) => <RawJson label={`${props.label}, as JSON`} json={JSON.stringify(present().rule)} onChange={(rule) => props.onChange({ kind: 'raw', rule })} />}</Show>
      <Show when={split()}>
        {(present) => (
          <div class="fields">
            <For each={[...new Set([...props.variants, ...present().shares.map(({ variant }) => variant)])]}>
              {(variant) => (
                <label>
                  {variant}{' '}
                  <input
                    type="number"
                    min="0"
                    step="1"
                    value={present().shares.find((share) => share.variant === variant)?.weight ?? 0}
                    onChange={(event) => {
                      const weight = Math.max(0, Math.round(event.currentTarget.valueAsNumber || 0));
                      const { shares } = present();
                      const has = shares.some((share) => share.variant === variant);
                      props.onChange({ ...present(), shares: has ? shares.map((share) => (share.variant === variant ? { variant, weight } : share)) : [...shares, { variant, weight }] });
                    }}
                  />
                </label>
              )}
            </For>
            <label>
              by{' '}
              <input
                placeholder="targeting key"
                value={present().by?.attribute ?? ''}
                onChange={(event) => {
                  const attribute = event.currentTarget.value.trim();
                  props.onChange({ ...present(), by: attribute === '' ? undefined : { attribute, isSalted: present().by?.isSalted ?? true } });
                }}
              />
            </label>
          </div>
        )}
      </Show>
    </div>
  );
}

function RawJson(props: { readonly label: string; readonly json: string; readonly onChange: (json: NonNullable<ReturnType<typeof jsonIn>>) => void }): JSX.Element {
  return (
    <textarea
      aria-label={props.label}
      rows={Math.min(12, props.json.split('\n').length + 1)}
      spellcheck={false}
      value={props.json}
      onChange={(event) => {
        const json = jsonIn(event.currentTarget.value);
        event.currentTarget.setCustomValidity(json === undefined ? 'this is no JSON' : '');
        event.currentTarget.reportValidity();
        if (json !== undefined && json !== null) props.onChange(json);
      }}
    />
  );
}
