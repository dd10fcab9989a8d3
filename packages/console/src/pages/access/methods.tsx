/** Auth methods: who vouches for identities (a key set of tokens, or an OpenID provider), and the binding rules that say what an identity may do. */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import type { AuthMethodList, ShownAuthMethod } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { polled } from '../../live/polled.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Field, Form, textIn } from './form.tsx';
import type { SectionProps } from './records.ts';

const path = '/rollcall/v1/access/methods';
const rulesPath = '/rollcall/v1/access/rules';
const bindTypes = ['policy', 'role', 'service'] as const;
const lifeMsDefault = 43_200_000;

/** What a new method of a type looks like. */
const templates: Readonly<Record<string, string>> = {
  oidc: JSON.stringify(
    {
      OIDCDiscoveryURL: 'https://login.example.com',
      OIDCClientID: 'rollcall',
      OIDCClientSecret: '',
      OIDCScopes: ['email', 'groups'],
      AllowedRedirectURIs: [`${location.origin}/ui/api/oidc/callback`],
      ClaimMappings: { email: 'email' },
      ListClaimMappings: { groups: 'groups' },
    },
    undefined,
    2,
  ),
  jwt: JSON.stringify({ JWKSURL: 'https://login.example.com/keys', BoundIssuer: 'https://login.example.com', BoundAudiences: ['rollcall'], ClaimMappings: { sub: 'name' } }, undefined, 2),
};

const columns: readonly Column<ShownAuthMethod>[] = [
  { name: 'name', width: '2fr', cell: (row) => row.name },
  { name: 'type', width: '6rem', cell: (row) => row.type },
  { name: 'description', width: '3fr', cell: (row) => row.description || row.displayName },
  { name: 'provider', width: '3fr', cell: (row) => <span class="tags">{providerOf(row)}</span> },
  { name: 'binding rules', width: '8rem', cell: (row) => row.rules.length },
];

export function Methods(props: SectionProps): JSX.Element {
  const list = polled<AuthMethodList>(path, { 'x-rollcall-namespace': props.namespace }, props.isPaused);
  const [edited, setEdited] = createSignal<ShownAuthMethod | 'new'>();
  const [ruled, setRuled] = createSignal<ShownAuthMethod>();
  const [opened, setOpened] = createSignal<string>();
  const [asked, setAsked] = createSignal<ShownAuthMethod>();
  const outcome = createOutcome();
  const all = createMemo((): readonly ShownAuthMethod[] => list().content?.methods ?? []);
  const rows = createMemo((): readonly ShownAuthMethod[] => all().filter(({ name, description, displayName }) => [name, description, displayName].some((text) => text.toLowerCase().includes(filterText()))));
  const shown = createMemo((): ShownAuthMethod | undefined => all().find(({ name }) => name === opened()));

  const save = async (form: FormData): Promise<void> => {
    const before = edited();
    const hours = Number(textIn(form, 'hours'));
    if (!(hours >= 0)) throw new Error('the lifetime must be a number of hours');
    const name = before === undefined || before === 'new' ? textIn(form, 'name') : before.name;
    const type = before === 'new' ? { type: textIn(form, 'type') } : {};
    await ask('PUT', path, { name, ...type, displayName: textIn(form, 'displayName'), description: textIn(form, 'description'), tokenTtlMs: Math.round(hours * 3_600_000), config: configIn(textIn(form, 'config')) }, inNamespace(props.namespace));
    setEdited(undefined);
    await outcome.run(async () => ({ text: `Auth method ${name} is ${before === 'new' ? 'created; it grants nothing before it has a binding rule' : 'changed'}.` }));
  };
  const addRule = async (form: FormData): Promise<void> => {
    const method = ruled()?.name ?? '';
    await ask('PUT', rulesPath, { method, selector: textIn(form, 'selector'), bindType: textIn(form, 'bindType'), bindName: textIn(form, 'bindName') }, inNamespace(props.namespace));
    setRuled(undefined);
    await outcome.run(async () => ({ text: `Logins with ${method} follow the new rule from now on; tokens of earlier logins stay as they are.` }));
  };
  const removeRule = (id: string): void => void outcome.run(async () => {
    await ask('DELETE', `${rulesPath}?id=${id}`, undefined, inNamespace(props.namespace));
    return { text: 'The binding rule is deleted; tokens of earlier logins stay as they are.' };
  });
  const remove = (method: ShownAuthMethod): void => {
    setAsked(undefined);
    void outcome.run(async () => {
      await ask('DELETE', `${path}?name=${encodeURIComponent(method.name)}`, undefined, inNamespace(props.namespace));
      return { text: `Auth method ${method.name} is deleted with its binding rules and the tokens of its logins.` };
    });
  };

  return (
    <>
      <Show when={list().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by name or description" />
        <span class="count" role="status">{rows().length} of {list().content?.count ?? 0}</span>
        <ActionButton denial={props.denial} onClick={() => setEdited('new')}>Create an auth method</ActionButton>
      </div>
      <OutcomeLine outcome={outcome} />
      <Table label="Auth methods" rows={rows()} columns={columns} open={(row) => setOpened(opened() === row.name ? undefined : row.name)} empty={all().length === 0 ? 'No auth method. With one, people sign in with the account that they have, and programs with their JSON Web Token.' : 'No auth method matches.'} />
      <Show when={shown()} keyed>
        {(method) => (
          <section class="detail" aria-label={`Auth method ${method.name}`}>
            <h2>{method.name}</h2>
            <pre tabindex="0" aria-label="Configuration">{JSON.stringify(method.config, undefined, 2)}</pre>
            <Show when={method.hasSecret}><p class="hint">It has a client secret, which is not shown.</p></Show>
            <h3>Binding rules</h3>
            <Show when={method.rules.length > 0} fallback={<p class="warn">None: every login is refused, since nothing is granted.</p>}>
              <ul class="rules">
                <For each={method.rules}>
                  {(rule) => (
                    <li>
                      {rule.selector === '' ? 'Every login' : <>Logins with <code>{rule.selector}</code></>} get {rule.bindType} <code>{rule.bindName}</code>{' '}
                      <ActionButton denial={props.denial} kind="danger" onClick={() => removeRule(rule.id)}>Delete the rule</ActionButton>
                    </li>
                  )}
                </For>
              </ul>
            </Show>
            <p class="buttons">
              <ActionButton denial={props.denial} onClick={() => setRuled(method)}>Add a binding rule</ActionButton>{' '}
              <ActionButton denial={props.denial} onClick={() => setEdited(method)}>Change</ActionButton>{' '}
              <ActionButton denial={props.denial} kind="danger" onClick={() => setAsked(method)}>Delete</ActionButton>
            </p>
          </section>
        )}
      </Show>
      <Show when={asked()}>
        {(method) => (
          <div class="question" role="group" aria-label="Confirm">
            <p>Delete auth method {method().name}? The tokens of all its logins are deleted, too: their callers are signed out.</p>
            <button type="button" class="danger" onClick={() => remove(method())}>Delete</button>{' '}
            <button type="button" onClick={() => setAsked(undefined)}>Cancel</button>
          </div>
        )}
      </Show>
      <Show when={edited()}>
        {(method) => <MethodForm method={method()} onSave={save} onClose={() => setEdited(undefined)} />}
      </Show>
      <Show when={ruled()}>
        {(method) => (
          <Form title={`Add a binding rule to ${method().name}`} action="Add" onSave={addRule} onClose={() => setRuled(undefined)}>
            <Field label="Logins that it is for" name="selector" value="" hint={'Empty for all; otherwise a filter: "admins" in list.groups, or value.email == "ann@example.com"'} />
            <label>What they get <select name="bindType"><For each={bindTypes}>{(type) => <option value={type}>{type === 'service' ? 'service identity' : type}</option>}</For></select></label>
            <Field label="Its name" name="bindName" value="" isRequired hint={'May have values of the login: ${value.name}'} />
          </Form>
        )}
      </Show>
    </>
  );
}

function MethodForm(props: { readonly method: ShownAuthMethod | 'new'; readonly onSave: (form: FormData) => Promise<void>; readonly onClose: () => void }): JSX.Element {
  const [type, setType] = createSignal('oidc');
  const before = (): ShownAuthMethod | undefined => (props.method === 'new' ? undefined : props.method);
  const config = (): string => (before() === undefined ? (templates[type()] ?? '{}') : JSON.stringify(before()?.config, undefined, 2));
  return (
    <Form title={before() === undefined ? 'Create an auth method' : `Change ${before()?.name}`} action={before() === undefined ? 'Create' : 'Save'} onSave={props.onSave} onClose={props.onClose}>
      <Show when={before() === undefined}>
        <Field label="Name" name="name" value="" isRequired />
        <label>Type <select name="type" value={type()} onChange={(event) => setType(event.currentTarget.value)}><option value="oidc">oidc: people sign in at their OpenID provider</option><option value="jwt">jwt: callers bring a JSON Web Token</option></select></label>
      </Show>
      <Field label="Shown as" name="displayName" value={before()?.displayName ?? ''} />
      <Field label="Description" name="description" value={before()?.description ?? ''} />
      <Field label="Hours that a sign-in lasts" name="hours" value={String((before()?.tokenTtlMs ?? lifeMsDefault) / 3_600_000)} hint="0 for no end" />
      <label>
        Configuration
        <textarea class="mono" name="config" rows="12" spellcheck={false} value={config()} />
        <span class="hint">In Consul's fields, as JSON. A client secret that is left out stays as it is.</span>
      </label>
    </Form>
  );
}

function configIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the configuration is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function providerOf({ config }: ShownAuthMethod): string {
  const provider = config['OIDCDiscoveryURL'] ?? config['JWKSURL'];
  return typeof provider === 'string' && provider !== '' ? provider : 'keys in the configuration';
}
