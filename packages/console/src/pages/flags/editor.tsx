/** The editor of one flag: state, variants, default and rules in fields, or the whole flag as JSON. What has no field stays as it is. */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { jsonIn, missingVariants } from './change-rules.ts';
import { fieldsOf, withFields, type FlagFields } from './definition.ts';
import { RuleEditor } from './rule-editor.tsx';
import { readTargeting, writeTargeting, type Json } from './rules.ts';
import { textOfValue, valueOf } from './values.ts';

export interface FlagEditorProps {
  readonly whole: Json;
  /** Why this flag could not be published. */
  readonly fault: string | undefined;
  /** Release or draft have changed since the edit began. */
  readonly isOutdated: boolean;
  readonly onChange: (whole: Json) => void;
  readonly onSave: () => void;
  readonly onCancel: () => void;
}

export function FlagEditor(props: FlagEditorProps): JSX.Element {
  const [asJson, setAsJson] = createSignal(false);
  const fields = createMemo((): FlagFields => fieldsOf(props.whole));
  const targeting = createMemo(() => readTargeting(fields().targeting));
  const variants = createMemo(() => Object.keys(fields().variants));
  const missing = createMemo(() => missingVariants(targeting(), variants()));
  const change = (changed: Partial<FlagFields>): void => props.onChange(withFields(props.whole, { ...fields(), ...changed }));
  const isWhole = (json: Json | undefined): json is Json => typeof json === 'object' && json !== null && !Array.isArray(json) && typeof (json as { readonly variants?: unknown }).variants === 'object';
  return (
    <form class="flag-editor" aria-label="Edit the flag" onSubmit={(event) => (event.preventDefault(), props.onSave())}>
      <div class="forms" role="group" aria-label="Edit as">
        <button type="button" aria-pressed={!asJson()} onClick={() => setAsJson(false)}>Fields</button>
        <button type="button" aria-pressed={asJson()} onClick={() => setAsJson(true)}>JSON</button>
      </div>
      <Show when={!asJson()} fallback={
        <textarea
          aria-label="The flag as JSON"
          rows="24"
          spellcheck={false}
          value={JSON.stringify(props.whole, undefined, 2)}
          onChange={(event) => {
            const json = jsonIn(event.currentTarget.value);
            event.currentTarget.setCustomValidity(isWhole(json) ? '' : 'this is no JSON of a flag with variants');
            event.currentTarget.reportValidity();
            if (isWhole(json)) props.onChange(json);
          }}
        />
      }>
        <label class="switch"><input type="checkbox" checked={fields().state === 'ENABLED'} onChange={(event) => change({ state: event.currentTarget.checked ? 'ENABLED' : 'DISABLED' })} /> On</label>
        <Variants fields={fields()} onChange={change} />
        <label>
          Default variant{' '}
          <select onChange={(event) => change({ defaultVariant: event.currentTarget.value === '' ? undefined : event.currentTarget.value })}>
            <option value="" selected={fields().defaultVariant === undefined}>none: the default of the code</option>
            <For each={variants()}>{(variant) => <option value={variant} selected={fields().defaultVariant === variant}>{variant}</option>}</For>
          </select>
        </label>
        <RuleEditor targeting={targeting()} variants={variants()} onChange={(next) => change({ targeting: writeTargeting(next) })} />
      </Show>
      <Show when={missing().length > 0}><p class="error" role="alert">A rule gives {missing().join(', ')}, which is no variant of the flag.</p></Show>
      <Show when={props.fault}>{(fault) => <p class="error" role="alert">{fault()}</p>}</Show>
      <Show when={props.isOutdated}><p class="error" role="alert">The flags have been changed since you began. Cancel and begin again; your rules are in the JSON, from where you can copy them.</p></Show>
      <div class="tools">
        <button type="submit" class="primary" disabled={props.fault !== undefined || missing().length > 0 || props.isOutdated}>Save as draft</button>
        <button type="button" onClick={() => props.onCancel()}>Cancel</button>
      </div>
    </form>
  );
}

function Variants(props: { readonly fields: FlagFields; readonly onChange: (changed: Partial<FlagFields>) => void }): JSX.Element {
  const [name, setName] = createSignal('');
  const entries = (): readonly string[] => Object.keys(props.fields.variants);
  const add = (): void => {
    const { variants } = props.fields;
    if (name() === '' || name() in variants) return;
    props.onChange({ variants: { ...variants, [name()]: name() } });
    setName('');
  };
  return (
    <fieldset>
      <legend>Variants</legend>
      <For each={entries()}>
        {(variant) => (
          <div class="fields">
            <label>
              {variant}{' '}
              <input value={textOfValue(props.fields.variants[variant] ?? null)} onChange={(event) => props.onChange({ variants: { ...props.fields.variants, [variant]: valueOf(event.currentTarget.value) } })} />
            </label>
            <button
              type="button"
              aria-label={`Remove variant ${variant}`}
              disabled={props.fields.defaultVariant === variant || entries().length === 1}
              onClick={() => props.onChange({ variants: Object.fromEntries(Object.entries(props.fields.variants).filter(([each]) => each !== variant)) })}
            >
              Remove
            </button>
          </div>
        )}
      </For>
      <div class="fields">
        <input aria-label="Name of a new variant" placeholder="new variant" value={name()} onInput={(event) => setName(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Enter' && (event.preventDefault(), add())} />
        <button type="button" disabled={name() === '' || name() in props.fields.variants} onClick={add}>Add</button>
      </div>
    </fieldset>
  );
}
