/** Tokens: created, changed and deleted. A secret is shown once, in the dialog that has created it. */

import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import type { NewToken, ShownToken, TokenList } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { polled } from '../../live/polled.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, hrefOf } from '../../place.ts';
import { Form, GrantFields, grantsIn, Field, textIn } from './form.tsx';
import type { SectionProps } from './records.ts';
import { shownTime, untilText } from '../../parts/times.ts';

const path = '/rollcall/v1/access/tokens';
const lives = [
  { name: 'no end', ms: 0 },
  { name: '1 hour', ms: 3_600_000 },
  { name: '1 day', ms: 86_400_000 },
  { name: '30 days', ms: 30 * 86_400_000 },
  { name: '1 year', ms: 365 * 86_400_000 },
] as const;

const columns: readonly Column<ShownToken>[] = [
  { name: 'description', width: '3fr', cell: (row) => <>{row.description || <span class="hint">none</span>}{row.isOwn ? <> <span class="pill">yours</span></> : ''}</> },
  { name: 'policies and roles', width: '3fr', cell: (row) => <span class="tags">{grantsText(row)}</span> },
  { name: 'ends', width: '8rem', cell: (row) => (row.expiresAtMs === null ? 'never' : untilText(row.expiresAtMs)) },
  { name: 'id', width: '7rem', cell: (row) => <code>{row.accessorId.slice(0, 8)}</code> },
  { name: 'created by', width: '8rem', cell: (row) => row.method || 'an operator' },
  { name: 'created', width: '12rem', cell: (row) => shownTime(row.createdAtMs) },
];

export function Tokens(props: SectionProps): JSX.Element {
  const list = polled<TokenList>(path, { 'x-rollcall-namespace': props.namespace }, props.isPaused);
  const [opened, setOpened] = createSignal<string>();
  const [edited, setEdited] = createSignal<ShownToken | 'new'>();
  const [asked, setAsked] = createSignal<ShownToken>();
  const [secret, setSecret] = createSignal<NewToken>();
  const outcome = createOutcome();
  const all = createMemo((): readonly ShownToken[] => list().content?.tokens ?? []);
  const rows = createMemo((): readonly ShownToken[] => all().filter((token) => [token.description, token.accessorId, token.method, grantsText(token)].some((text) => text.toLowerCase().includes(filterText()))));
  const shown = createMemo((): ShownToken | undefined => all().find(({ accessorId }) => accessorId === opened()));

  const save = async (form: FormData): Promise<void> => {
    const before = edited();
    const grants = { description: textIn(form, 'description'), ...grantsIn(form) };
    if (before === 'new') {
      const ttlMs = Number(textIn(form, 'life'));
      setSecret(await ask<NewToken>('POST', path, { ...grants, ...(ttlMs > 0 ? { ttlMs } : {}) }, inNamespace(props.namespace)));
    } else if (before !== undefined) {
      await ask('PUT', path, { accessorId: before.accessorId, ...grants }, inNamespace(props.namespace));
      await outcome.run(async () => ({ text: `${nameOf(before)} was changed; its rights are in force now.` }));
    }
    setEdited(undefined);
  };
  const remove = (token: ShownToken): void => {
    setAsked(undefined);
    void outcome.run(async () => {
      await ask('DELETE', `${path}?id=${token.accessorId}`, undefined, inNamespace(props.namespace));
      return { text: `${nameOf(token)} is deleted: its streams and queries end now.` };
    });
  };

  return (
    <>
      <Show when={list().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by description, id, policy or role" />
        <span class="count" role="status">{rows().length} of {list().content?.count ?? 0}</span>
        <ActionButton denial={props.denial} onClick={() => setEdited('new')}>Create a token</ActionButton>
      </div>
      <OutcomeLine outcome={outcome} />
      <Table label="Tokens" rows={rows()} columns={columns} open={(row) => setOpened(opened() === row.accessorId ? undefined : row.accessorId)} empty="No token matches." />
      <Show when={shown()} keyed>
        {(token) => (
          <section class="detail" aria-label={`Token ${token.accessorId}`}>
            <h2>{nameOf(token)}</h2>
            <dl>
              <dt>accessor id</dt><dd><code>{token.accessorId}</code></dd>
              <dt>policies</dt><dd>{token.policies.map(({ name, id }) => name || `${id} (deleted: grants nothing)`).join(', ') || 'none'}</dd>
              <dt>roles</dt><dd>{token.roles.map(({ name, id }) => name || `${id} (deleted: grants nothing)`).join(', ') || 'none'}</dd>
              <dt>service identities</dt><dd>{token.serviceIdentities.join(', ') || 'none'}</dd>
              <Show when={token.others > 0}><dt>others</dt><dd>{token.others} node identities and templated policies</dd></Show>
              <dt>created</dt><dd>{shownTime(token.createdAtMs)}{token.method === '' ? '' : ` by a login with ${token.method}`}</dd>
              <dt>ends</dt><dd>{token.expiresAtMs === null ? 'never' : shownTime(token.expiresAtMs ?? 0)}</dd>
            </dl>
            <a href={hrefOf(['access', 'can-i'], { token: token.accessorId })} onClick={follow}>What it may do</a>{' '}
            <a href={hrefOf(['activity'], { person: token.accessorId })} onClick={follow}>What it has done</a>
            <p class="buttons">
              <ActionButton denial={props.denial} onClick={() => setEdited(token)}>Change</ActionButton>{' '}
              <ActionButton denial={props.denial} kind="danger" impossible={token.isBuiltIn ? 'the anonymous token stays: take its policies away instead' : token.isOwn ? 'a token cannot delete itself' : undefined} onClick={() => setAsked(token)}>Delete</ActionButton>
            </p>
          </section>
        )}
      </Show>
      <Show when={asked()}>
        {(token) => (
          <div class="question" role="group" aria-label="Confirm">
            <p>Delete {nameOf(token())}? Its callers are refused from then on. This cannot be taken back: nothing knows its secret.</p>
            <button type="button" class="danger" onClick={() => remove(token())}>Delete</button>{' '}
            <button type="button" onClick={() => setAsked(undefined)}>Cancel</button>
          </div>
        )}
      </Show>
      <Show when={edited()}>
        {(token) => (
          <Form title={token() === 'new' ? 'Create a token' : 'Change a token'} action={token() === 'new' ? 'Create' : 'Save'} onSave={save} onClose={() => setEdited(undefined)}>
            <Field label="Description" name="description" value={present(token())?.description ?? ''} />
            <GrantFields namespace={props.namespace} policies={present(token())?.policies ?? []} roles={present(token())?.roles ?? []} services={present(token())?.serviceIdentities ?? []} />
            <Show when={token() === 'new'}>
              <label>Ends after <select name="life">{lives.map(({ name, ms }) => <option value={ms}>{name}</option>)}</select></label>
            </Show>
          </Form>
        )}
      </Show>
      <Show when={secret()}>{(created) => <Secret {...created()} onClose={() => setSecret(undefined)} />}</Show>
    </>
  );
}

function Secret(props: { readonly secret: string; readonly token: ShownToken; readonly onClose: () => void }): JSX.Element {
  const [isCopied, setCopied] = createSignal(false);
  return (
    <Dialog title="The secret of the new token" onClose={props.onClose}>
      <p>Copy it now: the server keeps its SHA-256 only, and nothing can show it again.</p>
      <pre class="secret" aria-label="Secret">{props.secret}</pre>
      <button type="button" onClick={() => void navigator.clipboard.writeText(props.secret).then(() => setCopied(true))}>{isCopied() ? 'Copied' : 'Copy'}</button>{' '}
      <button type="button" class="primary" onClick={() => props.onClose()}>I have it</button>
    </Dialog>
  );
}

function present(token: ShownToken | 'new'): ShownToken | undefined {
  return token === 'new' ? undefined : token;
}

function nameOf({ description, accessorId }: ShownToken): string {
  return description || `Token ${accessorId.slice(0, 8)}`;
}

function grantsText({ policies, roles, serviceIdentities }: ShownToken): string {
  return [...policies.map(({ name }) => name), ...roles.map(({ name }) => `role ${name}`), ...serviceIdentities.map((service) => `service ${service}`)].filter((name) => name !== '').join(', ');
}
