/** A dialog with fields: it stays open and says why when the server refuses what is in it. */

import { createResource, createSignal, For, Show, type JSX } from 'solid-js';
import type { AccessLink } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { Dialog } from '../../parts/dialog.tsx';
import './form.css';

export function Form(props: { readonly title: string; readonly action: string; readonly onSave: (form: FormData) => Promise<void>; readonly onClose: () => void; readonly children: JSX.Element }): JSX.Element {
  const [error, setError] = createSignal('');
  const [isSending, setSending] = createSignal(false);
  const send = async (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): Promise<void> => {
    event.preventDefault();
    setSending(true);
    try {
      await props.onSave(new FormData(event.currentTarget));
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    }
    setSending(false);
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form class="fields" onSubmit={(event) => void send(event)}>
        {props.children}
        <Show when={error() !== ''}><p class="error" role="alert">{error()}</p></Show>
        <p class="buttons">
          <button type="submit" class="primary" disabled={isSending()}>{props.action}</button>{' '}
          <button type="button" onClick={() => props.onClose()}>Cancel</button>
        </p>
      </form>
    </Dialog>
  );
}

export function Field(props: { readonly label: string; readonly name: string; readonly value: string; readonly isRequired?: boolean; readonly hint?: string }): JSX.Element {
  return (
    <label>
      {props.label}
      <input name={props.name} value={props.value} required={props.isRequired === true} autocomplete="off" />
      <Show when={props.hint}><span class="hint">{props.hint}</span></Show>
    </label>
  );
}

/** Policies, roles and services that a token or a role is given. @param props.roles absent for a role, which has none */
export function GrantFields(props: { readonly namespace: string; readonly policies: readonly AccessLink[]; readonly roles?: readonly AccessLink[]; readonly services: readonly string[] }): JSX.Element {
  const namesOf = async (field: 'policies' | 'roles'): Promise<readonly string[]> => {
    const list = await ask<Readonly<Record<string, readonly AccessLink[]>>>('GET', `/rollcall/v1/access/${field}`, undefined, inNamespace(props.namespace));
    return (list[field] ?? []).map(({ name }) => name);
  };
  const [policies] = createResource(() => namesOf('policies'));
  const [roles] = createResource(() => (props.roles === undefined ? Promise.resolve([]) : namesOf('roles')));
  return (
    <>
      <Choice label="Policies" name="policies" names={policies()} chosen={props.policies} />
      <Show when={props.roles}>{(chosen) => <Choice label="Roles" name="roles" names={roles()} chosen={chosen()} />}</Show>
      <Field label="Service identities" name="services" value={props.services.join(', ')} hint="Names with commas: may register the service and discover all others" />
    </>
  );
}

function Choice(props: { readonly label: string; readonly name: string; readonly names: readonly string[] | undefined; readonly chosen: readonly AccessLink[] }): JSX.Element {
  return (
    <fieldset>
      <legend>{props.label}</legend>
      <Show when={props.names} fallback={<span class="hint">Loading …</span>}>
        {(names) => (
          <Show when={names().length > 0} fallback={<span class="hint">There are none yet.</span>}>
            <div class="choices">
              <For each={names()}>
                {(name) => <label class="choice"><input type="checkbox" name={props.name} value={name} checked={props.chosen.some((link) => link.name === name)} /> {name}</label>}
              </For>
            </div>
          </Show>
        )}
      </Show>
    </fieldset>
  );
}

export function textIn(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

function textsIn(form: FormData, name: string): string[] {
  return form.getAll(name).filter((value) => typeof value === 'string');
}

/** What `GrantFields` says. */
export function grantsIn(form: FormData): { readonly policies: readonly string[]; readonly roles: readonly string[]; readonly serviceIdentities: readonly string[] } {
  const serviceIdentities = textIn(form, 'services').split(',').map((name) => name.trim()).filter((name) => name !== '');
  return { policies: textsIn(form, 'policies'), roles: textsIn(form, 'roles'), serviceIdentities };
}
