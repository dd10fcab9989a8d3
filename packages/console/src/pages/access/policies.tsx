/** Policies with their rules. The server checks the rules while the operator types. */

import { createMemo, createSignal, onCleanup, Show, type JSX } from 'solid-js';
import type { PolicyList, RulesProblem, ShownPolicy } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { polled } from '../../live/polled.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { Field, Form, textIn } from './form.tsx';
import type { SectionProps } from './records.ts';

const path = '/rollcall/v1/access/policies';
const typingMs = 300;
const example = 'service "web" { policy = "write" }\nnode_prefix "" { policy = "read" }\n';

const columns: readonly Column<ShownPolicy>[] = [
  { name: 'name', width: '2fr', cell: (row) => <>{row.name}{row.isBuiltIn ? <> <span class="pill">built in</span></> : ''}</> },
  { name: 'description', width: '3fr', cell: (row) => row.description },
  { name: 'rules', width: '4fr', cell: (row) => <code>{row.rules.replaceAll(/\s+/g, ' ')}</code> },
];

export function Policies(props: SectionProps): JSX.Element {
  const list = polled<PolicyList>(path, { 'x-rollcall-namespace': props.namespace }, props.isPaused);
  const [opened, setOpened] = createSignal<string>();
  const [edited, setEdited] = createSignal<ShownPolicy | 'new'>();
  const [asked, setAsked] = createSignal<ShownPolicy>();
  const outcome = createOutcome();
  const all = createMemo((): readonly ShownPolicy[] => list().content?.policies ?? []);
  const rows = createMemo((): readonly ShownPolicy[] => all().filter(({ name, description, rules }) => [name, description, rules].some((text) => text.toLowerCase().includes(filterText()))));
  const shown = createMemo((): ShownPolicy | undefined => all().find(({ id }) => id === opened()));

  const save = async (form: FormData): Promise<void> => {
    const before = edited();
    if (before === undefined) return;
    const name = textIn(form, 'name');
    const rules = form.get('rules');
    const body = { name, description: textIn(form, 'description'), rules: typeof rules === 'string' ? rules : '' };
    await ask('PUT', path, before === 'new' ? body : { id: before.id, ...body }, inNamespace(props.namespace));
    setEdited(undefined);
    // What was there can be written again.
    await outcome.run(async () => (before === 'new' ? { text: `Policy ${name} is created.` } : { text: `Policy ${name} is changed for all of its tokens.`, undo: () => put(before, props.namespace) }));
  };
  const remove = (policy: ShownPolicy): void => {
    setAsked(undefined);
    void outcome.run(async () => {
      await ask('DELETE', `${path}?id=${policy.id}`, undefined, inNamespace(props.namespace));
      return { text: `Policy ${policy.name} is deleted: tokens and roles have lost it.` };
    });
  };

  return (
    <>
      <Show when={list().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by name, description or rule" />
        <span class="count" role="status">{rows().length} of {list().content?.count ?? 0}</span>
        <ActionButton denial={props.denial} onClick={() => setEdited('new')}>Create a policy</ActionButton>
      </div>
      <OutcomeLine outcome={outcome} />
      <Table label="Policies" rows={rows()} columns={columns} open={(row) => setOpened(opened() === row.id ? undefined : row.id)} empty="No policy matches." />
      <Show when={shown()} keyed>
        {(policy) => (
          <section class="detail" aria-label={`Policy ${policy.name}`}>
            <h2>{policy.name}</h2>
            <p>{policy.description}</p>
            <pre tabindex="0" aria-label="Rules">{policy.rules}</pre>
            <p class="buttons">
              <ActionButton denial={props.denial} impossible={policy.isBuiltIn ? 'a built-in policy stays as it is' : undefined} onClick={() => setEdited(policy)}>Change</ActionButton>{' '}
              <ActionButton denial={props.denial} kind="danger" impossible={policy.isBuiltIn ? 'a built-in policy stays as it is' : undefined} onClick={() => setAsked(policy)}>Delete</ActionButton>
            </p>
          </section>
        )}
      </Show>
      <Show when={asked()}>
        {(policy) => (
          <div class="question" role="group" aria-label="Confirm">
            <p>Delete policy {policy().name}? All tokens and roles lose it at once.</p>
            <button type="button" class="danger" onClick={() => remove(policy())}>Delete</button>{' '}
            <button type="button" onClick={() => setAsked(undefined)}>Cancel</button>
          </div>
        )}
      </Show>
      <Show when={edited()}>
        {(policy) => (
          <Form title={policy() === 'new' ? 'Create a policy' : 'Change a policy'} action={policy() === 'new' ? 'Create' : 'Save'} onSave={save} onClose={() => setEdited(undefined)}>
            <Field label="Name" name="name" value={present(policy())?.name ?? ''} isRequired />
            <Field label="Description" name="description" value={present(policy())?.description ?? ''} />
            <Rules rules={present(policy())?.rules ?? example} namespace={props.namespace} />
          </Form>
        )}
      </Show>
    </>
  );
}

function Rules(props: { readonly rules: string; readonly namespace: string }): JSX.Element {
  const [problem, setProblem] = createSignal<string | null>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const check = (rules: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      ask<RulesProblem>('POST', '/rollcall/v1/access/check', { rules }, inNamespace(props.namespace)).then((answer) => setProblem(answer.problem), () => {});
    }, typingMs);
  };
  onCleanup(() => clearTimeout(timer));
  return (
    <>
      <label>
        Rules
        <textarea class="mono" name="rules" rows="12" spellcheck={false} onInput={(event) => check(event.currentTarget.value)}>{props.rules}</textarea>
      </label>
      <p role="status" classList={{ error: typeof problem() === 'string', good: problem() === null }}>{problem() === null ? 'The rules can be read.' : (problem() ?? '')}</p>
    </>
  );
}

async function put({ id, name, description, rules }: ShownPolicy, namespace: string): Promise<void> {
  await ask('PUT', path, { id, name, description, rules }, inNamespace(namespace));
}

function present(policy: ShownPolicy | 'new'): ShownPolicy | undefined {
  return policy === 'new' ? undefined : policy;
}
