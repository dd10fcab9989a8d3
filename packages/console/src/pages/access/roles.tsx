/** Roles: named sets of policies and identities, which tokens and logins are given. */

import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import type { RoleList, ShownRole } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { polled } from '../../live/polled.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Field, Form, GrantFields, grantsIn, textIn } from './form.tsx';
import type { SectionProps } from './records.ts';

const path = '/rollcall/v1/access/roles';

const columns: readonly Column<ShownRole>[] = [
  { name: 'name', width: '2fr', cell: (row) => row.name },
  { name: 'description', width: '3fr', cell: (row) => row.description },
  { name: 'policies', width: '3fr', cell: (row) => <span class="tags">{[...row.policies.map(({ name }) => name || 'a deleted policy'), ...row.serviceIdentities.map((service) => `service ${service}`)].join(', ')}</span> },
];

export function Roles(props: SectionProps): JSX.Element {
  const list = polled<RoleList>(path, { 'x-rollcall-namespace': props.namespace }, props.isPaused);
  const [edited, setEdited] = createSignal<ShownRole | 'new'>();
  const [opened, setOpened] = createSignal<string>();
  const [asked, setAsked] = createSignal<ShownRole>();
  const outcome = createOutcome();
  const all = createMemo((): readonly ShownRole[] => list().content?.roles ?? []);
  const rows = createMemo((): readonly ShownRole[] => all().filter(({ name, description }) => [name, description].some((text) => text.toLowerCase().includes(filterText()))));
  const shown = createMemo((): ShownRole | undefined => all().find(({ id }) => id === opened()));

  const save = async (form: FormData): Promise<void> => {
    const before = edited();
    if (before === undefined) return;
    const { policies, serviceIdentities } = grantsIn(form);
    const body = { name: textIn(form, 'name'), description: textIn(form, 'description'), policies, serviceIdentities };
    await ask('PUT', path, before === 'new' ? body : { id: before.id, ...body }, inNamespace(props.namespace));
    setEdited(undefined);
    await outcome.run(async () => ({ text: `Role ${body.name} is ${before === 'new' ? 'created' : 'changed for all of its tokens'}.` }));
  };
  const remove = (role: ShownRole): void => {
    setAsked(undefined);
    void outcome.run(async () => {
      await ask('DELETE', `${path}?id=${role.id}`, undefined, inNamespace(props.namespace));
      return { text: `Role ${role.name} is deleted: tokens have lost it.` };
    });
  };

  return (
    <>
      <Show when={list().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by name or description" />
        <span class="count" role="status">{rows().length} of {list().content?.count ?? 0}</span>
        <ActionButton denial={props.denial} onClick={() => setEdited('new')}>Create a role</ActionButton>
      </div>
      <OutcomeLine outcome={outcome} />
      <Table label="Roles" rows={rows()} columns={columns} open={(row) => setOpened(opened() === row.id ? undefined : row.id)} empty={all().length === 0 ? 'No role. A role gives several policies at once; create one with the button above.' : 'No role matches.'} />
      <Show when={shown()} keyed>
        {(role) => (
          <section class="detail" aria-label={`Role ${role.name}`}>
            <h2>{role.name}</h2>
            <p>{role.description}</p>
            <p class="buttons">
              <ActionButton denial={props.denial} onClick={() => setEdited(role)}>Change</ActionButton>{' '}
              <ActionButton denial={props.denial} kind="danger" onClick={() => setAsked(role)}>Delete</ActionButton>
            </p>
          </section>
        )}
      </Show>
      <Show when={asked()}>
        {(role) => (
          <div class="question" role="group" aria-label="Confirm">
            <p>Delete role {role().name}? All of its tokens lose its rights at once.</p>
            <button type="button" class="danger" onClick={() => remove(role())}>Delete</button>{' '}
            <button type="button" onClick={() => setAsked(undefined)}>Cancel</button>
          </div>
        )}
      </Show>
      <Show when={edited()}>
        {(role) => (
          <Form title={role() === 'new' ? 'Create a role' : 'Change a role'} action={role() === 'new' ? 'Create' : 'Save'} onSave={save} onClose={() => setEdited(undefined)}>
            <Field label="Name" name="name" value={present(role())?.name ?? ''} isRequired />
            <Field label="Description" name="description" value={present(role())?.description ?? ''} />
            <GrantFields namespace={props.namespace} policies={present(role())?.policies ?? []} services={present(role())?.serviceIdentities ?? []} />
          </Form>
        )}
      </Show>
    </>
  );
}

function present(role: ShownRole | 'new'): ShownRole | undefined {
  return role === 'new' ? undefined : role;
}
