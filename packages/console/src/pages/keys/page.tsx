/** Keys and values, folder by folder. A folder is asked for by itself, so a registry with millions of keys is shown as fast as a small one. */

import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import type { KeyEntry, KeyList } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import { polled, type Polled } from '../../live/polled.ts';
import type { PageProps } from '../../pages.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { FilterBox, filterText } from '../../parts/filter-box.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { MayRead } from '../../parts/may-read.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { follow, go, hrefOf, place, refine } from '../../place.ts';
import { DeleteTree } from './delete-tree.tsx';
import { KeyEntry as OpenedKey } from './entry.tsx';
import { NewKey } from './new-key.tsx';
import './page.css';
import { keyStore } from './store.ts';
import { foldersOf } from './value.ts';

type Sheet = 'new' | 'delete-tree';

const nameOf = (line: KeyEntry): string => ('folder' in line ? line.folder : line.key);

const details: readonly Column<KeyEntry>[] = [
  { name: 'size', width: '6rem', cell: (line) => ('folder' in line ? '' : `${line.bytes} B`) },
  { name: 'revision', width: '7rem', cell: (line) => ('folder' in line ? '' : line.revision) },
  { name: 'held by', width: '8rem', cell: (line) => ('folder' in line ? '' : (line.session?.slice(0, 8) ?? '')) },
];

export default function KeysPage(props: PageProps): JSX.Element {
  const folder = createMemo(() => place().query.get('in') ?? '');
  const after = createMemo(() => place().query.get('after') ?? '');
  const opened = createMemo(() => place().query.get('key') ?? '');
  // A folder that fits into one answer is filtered here; of a longer one the server is asked for names that begin so.
  const [begin, setBegin] = createSignal('');
  const lists = createMemo(() => polled<KeyList>(`/rollcall/v1/keys?${String(new URLSearchParams({ namespace: props.namespace, prefix: folder() + begin(), separator: '/', after: after() }))}`, {}, props.live.isPaused));
  const state = (): Polled<KeyList> => lists()();
  const page = createMemo<{ readonly folder: string; readonly page: KeyList } | undefined>((before) => {
    const { content } = state();
    return content === undefined ? (before?.folder === folder() ? before : undefined) : { folder: folder(), page: content };
  });
  const entries = (): readonly KeyEntry[] => page()?.page.entries ?? [];
  const next = (): string | undefined => page()?.page.next;
  createEffect(on([filterText, folder], ([text]) => {
    // The server looks for the beginning of the name, and knows no expressions.
    const timer = setTimeout(() => (next() !== undefined || begin() !== '' || after() !== '') && setBegin(/^[^\s="]*$/.test(text) ? text : ''), 300);
    onCleanup(() => clearTimeout(timer));
  }));
  const filter = filterRows<KeyEntry>({ Key: (line) => nameOf(line).slice(folder().length), Value: (line) => ('folder' in line ? '' : (line.beginning ?? '')), Size: ['number', (line) => ('folder' in line ? 0 : line.bytes)], Held: ['boolean', (line) => 'key' in line && line.session !== undefined] });
  const rows = createMemo(() => filter.rows(entries()));
  const [sheet, setSheet] = createSignal<Sheet>();
  const outcome = createOutcome();
  const store = keyStore(props.live, props.namespace);
  const href = (line: KeyEntry): string => ('folder' in line ? hrefOf(['keys'], { in: line.folder }) : hrefOf(['keys'], { in: folder(), key: line.key, filter: filterText(), after: after() }));

  const names: readonly Column<KeyEntry>[] = [
    { name: 'key', width: '2fr', cell: (line) => <a classList={{ folder: 'folder' in line }} href={href(line)} onClick={follow}>{nameOf(line).slice(folder().length) || nameOf(line)}</a> },
    { name: 'value', width: '3fr', cell: (line) => ('folder' in line ? <span class="hint">folder</span> : line.beginning === undefined ? <span class="hint">bytes</span> : <code>{line.beginning}</code>) },
  ];
  // Beside a value there is no room for the rest, and the value has it.
  const columns = createMemo(() => (opened() === '' ? [...names, ...details] : names));

  return (
    <>
      <h1>Keys</h1>
      <p class="folders" role="navigation" aria-label="Folders">
        <a href={hrefOf(['keys'])} onClick={follow} aria-current={folder() === '' ? 'location' : undefined}>all</a>
        <For each={foldersOf(folder())}>{({ name, prefix }) => <> / <a href={hrefOf(['keys'], { in: prefix })} onClick={follow} aria-current={prefix === folder() ? 'location' : undefined}>{name.slice(0, -1)}</a></>}</For>
      </p>
      <Show when={state().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Held == true" filter={filter} />
        <span class="count" role="status">{rows().length} of {entries().length}{next() === undefined ? '' : ' and more'}</span>
        <Show when={after() !== ''}><button type="button" onClick={() => refine({ after: '' })}>First page</button></Show>
        <Show when={next()}>{(from) => <button type="button" onClick={() => refine({ after: from() })}>Next page</button>}</Show>
        <ActionButton impossible={pastReason()} onClick={() => setSheet('new')}>New key</ActionButton>
        <Show when={folder() !== ''}><ActionButton kind="danger" impossible={pastReason()} onClick={() => setSheet('delete-tree')}>Delete folder</ActionButton></Show>
      </div>
      <Show when={sheet() === 'new'}>
        <NewKey namespace={props.namespace} folder={folder()} store={store} outcome={outcome} onClose={() => setSheet()} onCreated={(key) => go(hrefOf(['keys'], { in: key.slice(0, key.lastIndexOf('/') + 1), key }))} />
      </Show>
      <Show when={sheet() === 'delete-tree'}>
        <DeleteTree namespace={props.namespace} prefix={folder()} store={store} outcome={outcome} onClose={() => setSheet()} />
      </Show>
      <OutcomeLine outcome={outcome} />
      <div class="keys-and-value" classList={{ open: opened() !== '' }}>
        <Show when={page() !== undefined}>
          <Table label="Keys" rows={rows()} columns={columns()} open={(line) => go(href(line))} empty={entries().length > 0 ? 'No key matches the filter.' : folder() === '' ? <MayRead namespace={props.namespace} resource="key"><FirstKey /></MayRead> : 'The folder has no keys that you may read.'} />
        </Show>
        <Show when={opened()} keyed>
          {(key) => <OpenedKey live={props.live} namespace={props.namespace} key_={key} store={store} outcome={outcome} onClose={() => refine({ key: '' })} />}
        </Show>
      </div>
    </>
  );
}

/** No key, or none that this caller may read. */
function FirstKey(): JSX.Element {
  return <>No key. Write one: <code>rollcall kv put app/greeting hello --addr {location.host}</code></>;
}
