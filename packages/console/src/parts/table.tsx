/**
 * A table of any length: only the rows in sight are in the page, and j and k move between them. Rows stand in the order of the list that they come from. While
 * the pointer is over the table, or the focus is in it, rows keep their places (`steady.ts`).
 */

import { createVirtualizer } from '@tanstack/solid-virtual';
import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show, type Accessor, type JSX } from 'solid-js';
import { columnsFor, tracksOf, widthRem, type ColumnWidth } from './columns.ts';
import { focusRow } from './focus.ts';
import type { Selection } from './selection.ts';
import { held, taken, type Steady } from './steady.ts';

export interface Column<T> extends ColumnWidth<T> {
  readonly name: string;
  readonly cell: (row: T) => JSX.Element;
}

export interface TableProps<T> {
  /** For screen readers. */
  readonly label: string;
  readonly rows: readonly T[];
  /** Names a row; with it rows keep their places while the operator points at them, and can be chosen. */
  readonly keyOf?: (row: T) => string;
  readonly columns: readonly Column<T>[];
  /** Where a row leads: to a page with all of it, so that a narrow table leaves out columns that do not fit. Without it, all are shown, and the table scrolls. */
  readonly open?: (row: T) => void;
  /** What the operator has asked for: the text of the filter, the sort. Rows move at once when it changes. */
  readonly order?: string;
  /** Boxes in front of the rows; x, Shift+X and Shift with a click choose. */
  readonly selection?: Selection | undefined;
  /** For screen readers: what a row is called when it is chosen. */
  readonly nameOf?: (row: T) => string;
  /** A row whose value changes is lit for a moment, unless the operator has asked the system for less motion. */
  readonly flash?: (row: T) => string;
  /** The row that the page shows details of. */
  readonly current?: string | undefined;
  /** Instead of rows, when there are none. */
  readonly empty: JSX.Element;
}

/** As in `style.css`; a static style here would become an attribute, which the page's content security policy forbids. */
const rowHeight = 34;
/** Before the first column, for a box. */
const boxRem = 2;
/** A table shows at least so many rows, if it has them. */
const rowsMin = 4;
/** How long a row is lit. It does not fade: that would paint the list for each frame. */
const litMs = 1_000;
/** Rows beyond the edges that are kept ready. */
const overscan = 12;

export function Table<T>(props: TableProps<T>): JSX.Element {
  const keyOf = (row: T): string => props.keyOf?.(row) ?? '';
  const [isPointedAt, setPointedAt] = createSignal(false);
  const [isFocused, setFocused] = createSignal(false);
  const [released, setReleased] = createSignal(0);
  // Rows move at once when the operator asks for another filter or order, or for the new ones.
  const asked = createMemo(() => `${props.order ?? ''}\0${released()}`);
  const steady = createMemo<Steady<T> & { readonly asked: string }>((before) => {
    const isHeld = props.keyOf !== undefined && (isPointedAt() || isFocused());
    const next = before !== undefined && before.rows.length > 0 && isHeld && before.asked === asked() ? held(before, props.rows, keyOf) : taken(props.rows);
    return { ...next, asked: asked() };
  });
  const rows = (): readonly T[] => steady().rows;
  const extraRem = (): number => (props.selection === undefined ? 0 : boxRem);
  const [rowRem, setRowRem] = createSignal(Infinity);
  const columns = createMemo(() => columnsFor(props.columns, rows(), { rowRem: props.open === undefined ? Infinity : rowRem(), extraRem: extraRem() }), undefined, { equals: isSameList });
  const template = createMemo(() => [...(props.selection === undefined ? [] : [`${boxRem}rem`]), ...tracksOf(columns())].join(' '));
  const leastWidth = (): string | undefined => (props.open === undefined ? `${widthRem(columns(), extraRem())}rem` : undefined);
  let table!: HTMLDivElement;
  onMount(() => {
    const pxOfRem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const observer = new ResizeObserver(([entry]) => entry !== undefined && setRowRem(entry.contentRect.width / pxOfRem));
    observer.observe(table);
    onCleanup(() => observer.disconnect());
  });
  const isAllChosen = createMemo(() => {
    const { selection } = props;
    return selection !== undefined && rows().length > 0 && selection.keys().size >= rows().length && rows().every((row) => selection.has(keyOf(row)));
  });
  return (
    <div
      ref={table}
      class="table"
      style={{ 'min-height': rows().length === 0 ? undefined : `${(Math.min(rowsMin, rows().length) + 1) * rowHeight}px` }}
      role="table"
      aria-label={props.label}
      aria-rowcount={rows().length + 1}
      onPointerEnter={() => setPointedAt(true)}
      onPointerLeave={() => setPointedAt(false)}
      onFocusIn={(event) => setFocused(event.target.closest('.scroller') !== null)}
      onFocusOut={(event) => setFocused(event.relatedTarget instanceof Element && event.currentTarget.contains(event.relatedTarget))}
    >
      <div role="rowgroup" style={{ 'min-width': leastWidth() }}>
        <div class="row head" role="row" aria-rowindex="1" style={{ 'grid-template-columns': template() }}>
          <Show when={props.selection}>
            {(selection) => (
              <span role="columnheader">
                <input
                  type="checkbox"
                  aria-label="Select all that are shown"
                  checked={isAllChosen()}
                  onChange={() => {
                    if (isAllChosen()) selection().clear();
                    else selection().set(rows().map(keyOf));
                  }}
                />
              </span>
            )}
          </Show>
          <For each={columns()}>{(column) => <span role="columnheader">{column.name}</span>}</For>
        </div>
      </div>
      <Show when={steady().waiting > 0}>
        <button type="button" class="pill newer" onClick={() => setReleased(released() + 1)}>{steady().waiting} new</button>
      </Show>
      <Show when={rows().length > 0} fallback={<div class="empty">{props.empty}</div>}>
        <Rows {...props} keyOf={keyOf} rows={rows()} gone={steady().gone} columns={columns()} template={template()} leastWidth={leastWidth()} />
      </Show>
    </div>
  );
}

/** A component of its own, since the virtual list looks for its element when it is created. */
function Rows<T>(props: TableProps<T> & { readonly keyOf: (row: T) => string; readonly template: string; readonly leastWidth: string | undefined; readonly gone: ReadonlySet<string> }): JSX.Element {
  let scroller!: HTMLDivElement;
  const [focused, setFocused] = createSignal(0);
  // The virtual list looks at all that it shows again when an option changes; other content of as many rows is no such change.
  const count = createMemo(() => props.rows.length);
  const virtual = createVirtualizer({
    get count() {
      return count();
    },
    getScrollElement: () => scroller,
    estimateSize: () => rowHeight,
    overscan,
  });
  createEffect(() => {
    if (focused() >= props.rows.length) setFocused(Math.max(0, props.rows.length - 1));
  });
  // By number, so that a row that stays in sight keeps its element.
  const inSight = createMemo(() => virtual.getVirtualItems().map(({ index }) => index));

  const move = (by: number): void => {
    const next = Math.min(props.rows.length - 1, Math.max(0, focused() + by));
    setFocused(next);
    virtual.scrollToIndex(next);
    queueMicrotask(() => focusRow(scroller, `[aria-rowindex="${next + 2}"]`));
  };
  const choose = (row: T, isRange: boolean): void => {
    const key = props.keyOf(row);
    if (isRange) props.selection?.extend(key, props.rows.map((each) => props.keyOf(each)));
    else props.selection?.toggle(key);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    // A link or a box inside of the row has its own Enter.
    const isRow = event.target instanceof HTMLElement && event.target.role === 'row';
    const row = props.rows[focused()];
    if (event.key === 'j' || event.key === 'ArrowDown') move(1);
    else if (event.key === 'k' || event.key === 'ArrowUp') move(-1);
    else if (event.key === 'Home') move(-props.rows.length);
    else if (event.key === 'End') move(props.rows.length);
    else if (event.key === 'Enter' && isRow && row !== undefined) props.open?.(row);
    else if ((event.key === 'x' || event.key === 'X') && row !== undefined && props.selection !== undefined) choose(row, event.key === 'X');
    else return;
    event.preventDefault();
  };

  return (
    <div class="scroller" role="rowgroup" ref={scroller} style={{ 'min-width': props.leastWidth }} onKeyDown={onKey}>
      <div class="spacer" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
        <For each={inSight()}>
          {(index) => (
            <Show when={props.rows[index]}>
              {(shown) => {
                const row = shown as Accessor<T>;
                const key = createMemo(() => props.keyOf(row()));
                return (
                  <div
                    ref={(element) => flashing(element, key, () => props.flash?.(row()))}
                    class="row"
                    classList={{ leads: props.open !== undefined, gone: props.gone.has(key()), current: props.current === key() }}
                    role="row"
                    aria-rowindex={index + 2}
                    tabindex={index === focused() ? 0 : -1}
                    style={{ 'grid-template-columns': props.template, transform: `translateY(${index * rowHeight}px)` }}
                    onFocusIn={() => setFocused(index)}
                    onClick={(event) => {
                      if (event.shiftKey && props.selection !== undefined) choose(row(), true);
                      else props.open?.(row());
                    }}
                  >
                    <Show when={props.selection}>
                      {(selection) => (
                        <span role="cell">
                          <input
                            type="checkbox"
                            tabindex={index === focused() ? 0 : -1}
                            aria-label={`Select ${props.nameOf?.(row()) ?? key()}`}
                            checked={selection().has(key())}
                            onClick={(event) => {
                              event.stopPropagation();
                              choose(row(), event.shiftKey);
                            }}
                          />
                        </span>
                      )}
                    </Show>
                    <For each={props.columns}>{(column) => <span role="cell">{column.cell(row())}</span>}</For>
                  </div>
                );
              }}
            </Show>
          )}
        </For>
      </div>
    </div>
  );
}

function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}

/** Lights the row when the value of the thing that it shows has changed. */
function flashing(element: HTMLElement, key: Accessor<string>, value: () => string | undefined): void {
  createEffect<readonly [string, string | undefined] | undefined>((before) => {
    const now = [key(), value()] as const;
    const hasChanged = before !== undefined && before[0] === now[0] && before[1] !== now[1];
    if (hasChanged) {
      element.classList.add('lit');
      setTimeout(() => element.classList.remove('lit'), litMs);
    }
    return now;
  }, undefined);
}
