/** The bar on top: where this console is, which namespace and time it shows, how fresh that is, and who is signed in. */

import { For, Show, type JSX } from 'solid-js';
import type { LiveViews } from '../live/views.ts';
import { go, hrefOf, place } from '../place.ts';
import { anonymousAccessor, session, signOut } from '../session.ts';
import { Icon } from './icon.tsx';
import { isMac } from './shortcuts.ts';
import { TimeChip } from './time-chip.tsx';

export interface TopBarProps {
  readonly live: LiveViews;
  readonly namespace: string;
  readonly onSearch: () => void;
  readonly onSignIn: () => void;
  readonly onHelp: () => void;
}

export function TopBar(props: TopBarProps): JSX.Element {
  return (
    <header>
      <Show when={session()?.environment}>{(environment) => <span class="environment">{environment().name}</span>}</Show>
      <span class="server">{session()?.server.datacenter}</span>
      <Namespaces namespace={props.namespace} />
      <button type="button" class="search" aria-keyshortcuts="Meta+K Control+K" onClick={() => props.onSearch()}>
        <Icon of="search" />
        <span class="words">Search or go to …</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <TimeChip live={props.live} />
      <Show when={session()?.accessControl}>
        <Show when={session()?.subject.accessorId !== anonymousAccessor} fallback={<button type="button" class="primary" onClick={() => props.onSignIn()}>Sign in</button>}>
          <span class="subject" title={session()?.subject.accessorId}>{session()?.subject.name || session()?.subject.accessorId.slice(0, 8)}</span>
          <button type="button" class="plain" onClick={() => void signOut()}>Sign out</button>
        </Show>
      </Show>
      <button type="button" class="plain" aria-label="Keyboard and help" title="Keyboard and help  ?" onClick={() => props.onHelp()}>?</button>
    </header>
  );
}

/** The namespaces that the caller may see; the one of the address is among them even if it does not exist. */
function Namespaces(props: { readonly namespace: string }): JSX.Element {
  const names = (): readonly string[] => [...new Set([...(session()?.namespaces ?? []), props.namespace])].sort();
  const choose = (name: string): void => go(hrefOf(place().parts.slice(0, 1), { namespace: name === session()?.namespace ? '' : name }));
  return (
    <label class="namespace">
      <span>namespace</span>
      <select value={props.namespace} onChange={(event) => choose(event.currentTarget.value)}>
        <For each={names()}>{(name) => <option value={name} selected={name === props.namespace}>{name}</option>}</For>
      </select>
    </label>
  );
}
