/** Who may do what: tokens, policies, roles and auth methods of a namespace, and questions about them. Changes need `acl:write`. */

import { createMemo, createResource, For, Match, Show, Switch, type JSX } from 'solid-js';
import type { PageProps } from '../../pages.ts';
import { pastReason } from '../../live/as-of.ts';
import { DenialText } from '../../parts/allowed.tsx';
import { follow, hrefOf } from '../../place.ts';
import { denials, session } from '../../session.ts';
import { CanI } from './can-i.tsx';
import { Methods } from './methods.tsx';
import { Policies } from './policies.tsx';
import { Roles } from './roles.tsx';
import { Tokens } from './tokens.tsx';
import './page.css';

const sections = [
  { part: '', name: 'Tokens' },
  { part: 'policies', name: 'Policies' },
  { part: 'roles', name: 'Roles' },
  { part: 'methods', name: 'Auth methods' },
  { part: 'can-i', name: 'Who may what' },
] as const;

export default function AccessPage(props: PageProps): JSX.Element {
  const section = (): string => props.parts[0] ?? '';
  return (
    <>
      <h1>Access</h1>
      <Show when={session()?.accessControl} fallback={<Off />}>
        <nav class="sections" aria-label="Access">
          <For each={sections}>{({ part, name }) => <a href={hrefOf(part === '' ? ['access'] : ['access', part])} aria-current={section() === part ? 'page' : undefined} onClick={follow}>{name}</a>}</For>
        </nav>
        <Show when={pastReason() === undefined} fallback={<p class="hint">Access control has no history: go back to now to see it.</p>}>
          <Sections {...props} section={section()} />
        </Show>
      </Show>
    </>
  );
}

function Sections(props: PageProps & { readonly section: string }): JSX.Element {
  const [rights] = createResource(() => denials([{ namespace: props.namespace, resource: 'acl', verb: 'read' }, { namespace: props.namespace, resource: 'acl', verb: 'write' }]));
  const given = createMemo(() => ({ namespace: props.namespace, isPaused: props.live.isPaused, denial: rights()?.[1] ?? undefined }));
  return (
    <Show when={rights()}>
      {(known) => (
        <Show when={props.section !== 'can-i'} fallback={<CanI namespace={props.namespace} mayRead={known()[0] === null} />}>
          <Show when={known()[0] === null} fallback={<p class="panel"><Show when={known()[0]}>{(denial) => <DenialText denial={denial()} />}</Show></p>}>
            <Switch fallback={<p class="hint">There is no such part.</p>}>
              <Match when={props.section === ''}><Tokens {...given()} /></Match>
              <Match when={props.section === 'policies'}><Policies {...given()} /></Match>
              <Match when={props.section === 'roles'}><Roles {...given()} /></Match>
              <Match when={props.section === 'methods'}><Methods {...given()} /></Match>
            </Switch>
          </Show>
        </Show>
      )}
    </Show>
  );
}

function Off(): JSX.Element {
  return (
    <section class="panel" aria-label="Access control is off">
      <h2>Access control is off: every caller may do everything</h2>
      <p>Start the server with it, and with an audit log:</p>
      <pre>rollcall serve --acl --audit-log audit.log --data-dir data</pre>
      <p>Then fetch the first token, which may do everything, and sign in with it:</p>
      <pre>rollcall acl bootstrap --addr {location.host}</pre>
    </section>
  );
}
