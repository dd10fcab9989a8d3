/** The rail: all pages, in groups. */

import { createEffect, createUniqueId, For, on, type JSX } from 'solid-js';
import { pageGroups, pageTable } from '../page-table.ts';
import { follow, hrefOf } from '../place.ts';
import { session } from '../session.ts';
import { Icon } from './icon.tsx';

/** @param props.page first part of the path of the page that is shown */
export function Rail(props: { readonly page: string }): JSX.Element {
  let rail!: HTMLElement;
  // On a narrow screen the rail is a row that scrolls.
  createEffect(on(() => props.page, () => queueMicrotask(() => rail.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }))));
  return (
    <nav ref={rail} aria-label="Pages">
      <a class="brand" href={hrefOf([])} onClick={follow}>
        <svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="3.5" /><path d="M4 4.5h8M4 8h8M4 11.5h5" /></svg>
        Rollcall
      </a>
      <For each={pageGroups.filter((group) => pageTable.some((page) => page.group === group))}>{(group) => <Group name={group} page={props.page} />}</For>
      <p class="version">{session()?.server.name} · {session()?.server.version}</p>
    </nav>
  );
}

function Group(props: { readonly name: (typeof pageGroups)[number]; readonly page: string }): JSX.Element {
  const id = createUniqueId();
  return (
    <>
      <p class="group" id={id}>{props.name}</p>
      <ul aria-labelledby={id}>
        <For each={pageTable.filter(({ group }) => group === props.name)}>
          {({ part, name, key }) => (
            <li>
              <a href={hrefOf(part === '' ? [] : [part])} aria-current={props.page === part ? 'page' : undefined} title={`g ${key}`} onClick={follow}>
                <Icon of={part} />
                {name}
              </a>
            </li>
          )}
        </For>
      </ul>
    </>
  );
}
