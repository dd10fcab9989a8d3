/** The tree of environments, apps and configurations. Only the rows in sight are in the page; the arrows move as in every tree, and j and k as in lists. */

import { createVirtualizer } from '@tanstack/solid-virtual';
import { createEffect, createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import type { ConfigEnvironment, ListedConfig } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import type { LiveViews } from '../../live/views.ts';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { focusRow } from '../../parts/focus.ts';
import { go, hrefOf, place } from '../../place.ts';
import { defaultCluster, isSame, type Ref } from './data.ts';
import { watchLists } from './lists.ts';
import { withoutRelease } from './without-release.ts';

export interface TreeProps {
  readonly live: LiveViews;
  readonly namespace: string;
  readonly environments: readonly ConfigEnvironment[];
  /** What is open in the page. */
  readonly shown: Ref | undefined;
  readonly create: () => void;
}

interface Line {
  readonly key: string;
  readonly level: 1 | 2 | 3;
  readonly label: string;
  readonly href: string;
  readonly environment: string;
  /** Undefined for a configuration. */
  readonly isOpen?: boolean;
  readonly count?: number;
  readonly row?: ListedConfig;
}

const lineHeight = 30;
/** Environments that are open at first, besides the one that is shown. */
const openAtFirst = 6;

export function Tree(props: TreeProps): JSX.Element {
  const [closed, setClosed] = createSignal<ReadonlySet<string>>(new Set());
  const toggle = (key: string, isOpen: boolean): void => {
    const next = new Set(closed());
    if (isOpen) next.delete(key);
    else next.add(key);
    setClosed(next);
  };
  const names = createMemo(() => props.environments.map(({ environment }) => environment), [], { equals: (a, b) => a.join('\0') === b.join('\0') });
  const isOpen = (environment: string, n: number): boolean => {
    // Of many environments only those are asked for that an operator opens.
    if (n >= openAtFirst && environment !== props.namespace && environment !== props.shown?.environment) return closed().has(`+${environment}`);
    return !closed().has(environment);
  };
  const opened = createMemo(() => names().filter(isOpen));
  const lists = watchLists(props.live, opened);
  const lines = createMemo(() => {
    const text = filterText();
    const shownOnes = new Set(opened());
    return names().flatMap((environment): Line[] => {
      const isEnvironmentOpen = shownOnes.has(environment);
      const rows = lists.rows(environment).filter((row) => text === '' || `${row.app}/${row.name}`.toLowerCase().includes(text) || row.cluster.toLowerCase().includes(text) || row.tags?.some((tag) => tag.toLowerCase().includes(text)) === true);
      const head: Line = { key: environment, level: 1, label: environment, href: hrefOf(['config', environment], { filter: place().query.get('filter') ?? '' }), environment, isOpen: isEnvironmentOpen, ...(isEnvironmentOpen ? { count: rows.length } : {}) };
      if (!isEnvironmentOpen) return [head];
      const below: Line[] = [];
      let app: string | undefined;
      let isAppOpen = true;
      for (const row of rows) {
        if (row.app !== app) {
          app = row.app;
          const key = `${environment}\0${app}`;
          isAppOpen = text !== '' || !closed().has(key);
          below.push({ key, level: 2, label: app, href: '', environment, isOpen: isAppOpen });
        }
        if (isAppOpen) below.push({ key: `${environment}\0${app}\0${row.name}\0${row.cluster}`, level: 3, label: row.name, href: hrefFor(row), environment, row });
      }
      return [head, ...below];
    });
  });
  const open = (line: Line): void => {
    if (line.href !== '') go(line.href);
    else toggle(line.key, line.isOpen !== true);
  };
  const setOpen = (line: Line, isWanted: boolean): void => {
    const late = line.level === 1 && names().indexOf(line.key) >= openAtFirst && line.key !== props.namespace;
    toggle(late ? `+${line.key}` : line.key, late ? !isWanted : isWanted);
  };
  return (
    <aside class="config-tree" aria-label="Configurations">
      <div class="config-tree-head">
        <FilterBox label="Filter" />
        <button type="button" onClick={() => props.create()} disabled={pastReason() !== undefined} title={pastReason() ?? 'New configuration'} aria-label="New configuration">+</button>
      </div>
      <For each={lists.errors()}>{(message) => <p class="error" role="alert">{message}</p>}</For>
      <Show when={lines().length > 0}>
        <Lines lines={lines()} shown={props.shown} open={open} setOpen={setOpen} />
      </Show>
    </aside>
  );
}

/** A component of its own, since the virtual list looks for its element when it is created. */
function Lines(props: { readonly lines: readonly Line[]; readonly shown: Ref | undefined; readonly open: (line: Line) => void; readonly setOpen: (line: Line, isOpen: boolean) => void }): JSX.Element {
  let scroller!: HTMLDivElement;
  const [focused, setFocused] = createSignal(0);
  const virtual = createVirtualizer({
    get count() {
      return props.lines.length;
    },
    getScrollElement: () => scroller,
    estimateSize: () => lineHeight,
    overscan: 12,
  });
  const isShown = (line: Line): boolean => {
    const { shown } = props;
    if (shown === undefined) return line.level === 1 && place().parts[1] === line.key;
    return line.row !== undefined && isSame(line.row, shown);
  };
  createEffect(() => {
    const at = props.lines.findIndex(isShown);
    setFocused((before) => (at >= 0 && !scroller.contains(document.activeElement) ? at : Math.min(before, Math.max(0, props.lines.length - 1))));
  });
  const moveTo = (index: number): void => {
    const next = Math.min(props.lines.length - 1, Math.max(0, index));
    setFocused(next);
    virtual.scrollToIndex(next);
    queueMicrotask(() => focusRow(scroller, `[data-index="${next}"]`));
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const line = props.lines[focused()];
    if (line === undefined) return;
    if (event.key === 'ArrowDown' || event.key === 'j') moveTo(focused() + 1);
    else if (event.key === 'ArrowUp' || event.key === 'k') moveTo(focused() - 1);
    else if (event.key === 'Home') moveTo(0);
    else if (event.key === 'End') moveTo(props.lines.length - 1);
    else if (event.key === 'Enter') props.open(line);
    else if (event.key === 'ArrowRight') {
      if (line.isOpen === false) props.setOpen(line, true);
      else if (line.isOpen === true) moveTo(focused() + 1);
    } else if (event.key === 'ArrowLeft') {
      if (line.isOpen === true) props.setOpen(line, false);
      else moveTo(props.lines.findLastIndex((each, n) => n < focused() && each.level < line.level));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="config-lines" ref={scroller}>
      <div class="spacer" role="tree" aria-label="Environments, apps and configurations" style={{ height: `${virtual.getTotalSize()}px` }} onKeyDown={onKey}>
        <For each={virtual.getVirtualItems()}>
          {(item) => (
            <Show when={props.lines[item.index]}>
              {(line) => (
                <div
                  role="treeitem"
                  class={`config-line level-${line().level}`}
                  classList={{ shown: isShown(line()) }}
                  aria-level={line().level}
                  aria-expanded={line().isOpen}
                  aria-selected={isShown(line())}
                  aria-current={isShown(line()) ? 'true' : undefined}
                  data-index={item.index}
                  tabindex={item.index === focused() ? 0 : -1}
                  style={{ transform: `translateY(${item.start}px)` }}
                  onFocus={() => setFocused(item.index)}
                  onClick={(event) => (event.target instanceof Element && event.target.closest('.twist') !== null ? props.setOpen(line(), line().isOpen !== true) : props.open(line()))}
                >
                  <Show when={line().isOpen !== undefined} fallback={<span class="twist-gap" />}>
                    <span class="twist" aria-hidden="true">{line().isOpen === true ? '▾' : '▸'}</span>
                  </Show>
                  <span class="config-label">{line().label}</span>
                  <LineNotes line={line()} />
                </div>
              )}
            </Show>
          )}
        </For>
      </div>
    </div>
  );
}

/** The state of a configuration in a word: what an operator looks for in a long tree. */
function LineNotes(props: { readonly line: Line }): JSX.Element {
  const row = (): ListedConfig | undefined => props.line.row;
  return (
    <>
      <Show when={row()?.cluster !== undefined && row()?.cluster !== defaultCluster}><span class="config-cluster">@{row()?.cluster}</span></Show>
      <Show when={row()?.rollouts?.some(({ staged }) => staged !== undefined)}><span class="config-note rolling" title="A rollout is under way">rolling</span></Show>
      <Show when={row()?.draft}><span class="config-note draft" title="It has a draft">draft</span></Show>
      <Show when={withoutRelease(row())}>{(word) => <span class="config-note" title="Clients get nothing">{word()}</span>}</Show>
      <Show when={props.line.count}>{(count) => <span class="config-count">{count()}</span>}</Show>
    </>
  );
}

/** The page of a configuration. */
export function hrefFor({ environment, app, name, cluster }: Ref, part = '', more: Readonly<Record<string, string>> = {}): string {
  return hrefOf(['config', environment, app, name, ...(part === '' ? [] : [part])], { filter: place().query.get('filter') ?? '', cluster: cluster === defaultCluster ? '' : cluster, ...more });
}
