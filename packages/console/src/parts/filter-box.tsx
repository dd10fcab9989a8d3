/**
 * The text that filters a list. It is in the address, so that a link shows the same rows; the slash goes to it. With a filter of rows it also takes
 * expressions, completes names of fields, and says what is wrong with an expression.
 */

import { createSignal, createUniqueId, For, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { place, refine } from '../place.ts';
import type { RowFilter } from './filter-rows.ts';

export interface FilterBoxProps {
  readonly label: string;
  readonly filter?: Pick<RowFilter<never>, 'fault' | 'fields'>;
}

/** Fields offered at once. */
const offersMax = 8;

export function FilterBox(props: FilterBoxProps): JSX.Element {
  let input!: HTMLInputElement;
  const noteId = createUniqueId();
  const [isFocused, setFocused] = createSignal(false);
  const [beforeCaret, setBeforeCaret] = createSignal('');
  const value = (): string => place().query.get('filter') ?? '';
  const word = (): string => /[A-Za-z]*$/.exec(beforeCaret())?.[0] ?? '';
  const offers = (): readonly string[] => {
    const begun = word().toLowerCase();
    return (props.filter?.fields ?? []).filter((name) => name.toLowerCase().startsWith(begun) && name !== word()).slice(0, offersMax);
  };
  const look = (): void => {
    setBeforeCaret(input.value.slice(0, input.selectionStart ?? input.value.length));
  };
  const complete = (name: string): void => {
    const after = input.value.slice(beforeCaret().length);
    const begun = beforeCaret().slice(0, beforeCaret().length - word().length) + name;
    refine({ filter: begun + after });
    input.value = begun + after;
    input.focus();
    input.setSelectionRange(begun.length, begun.length);
    look();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const [first] = offers();
    // At the end of a word the arrow would do nothing else.
    if (event.key !== 'ArrowRight' || word() === '' || first === undefined || input.selectionStart !== input.value.length) return;
    event.preventDefault();
    complete(first);
  };
  onMount(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.key !== '/' || target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      input.focus();
      input.select();
    };
    document.addEventListener('keydown', onKey);
    onCleanup(() => document.removeEventListener('keydown', onKey));
  });
  return (
    <div class="filter">
      <input
        ref={input}
        type="search"
        aria-label={props.label}
        placeholder={props.label}
        aria-keyshortcuts="/"
        aria-describedby={props.filter === undefined ? undefined : noteId}
        aria-invalid={props.filter?.fault() === undefined ? undefined : 'true'}
        spellcheck={false}
        value={value()}
        onInput={(event) => {
          refine({ filter: event.currentTarget.value });
          look();
        }}
        onKeyDown={onKeyDown}
        onKeyUp={look}
        onClick={look}
        onFocus={() => {
          setFocused(true);
          look();
        }}
        onBlur={() => setFocused(false)}
      />
      <Show when={!isFocused()}><kbd aria-hidden="true">/</kbd></Show>
      <Show when={props.filter}>
        {(filter) => (
          <div class="filter-note" id={noteId} hidden={!isFocused() && filter().fault() === undefined} role="status">
            <Show when={filter().fault()}>{(fault) => <p class="bad">{fault()}</p>}</Show>
            <Show when={isFocused() && offers().length > 0}>
              <span>
                fields:{' '}
                {/* By mouse; the arrow to the right does the same for the first. */}
                <For each={offers()}>{(name) => <code onMouseDown={(event) => (event.preventDefault(), complete(name))}>{name}</code>}</For>
                <Show when={word() !== ''} fallback={<>as in <code>{example(filter().fields)}</code></>}> <kbd>→</kbd></Show>
              </span>
            </Show>
          </div>
        )}
      </Show>
    </div>
  );
}

/** The text of the filter, in lower case. */
export function filterText(): string {
  return (place().query.get('filter') ?? '').toLowerCase();
}

function example(fields: readonly string[]): string {
  return fields.includes('Status') ? 'Status == critical' : `${fields[0] ?? 'Name'} contains "a"`;
}
