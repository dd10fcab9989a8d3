/** The keys that work in the console. */

import { For, type JSX } from 'solid-js';
import { pageTable } from '../page-table.ts';
import { Dialog } from './dialog.tsx';
import { isMac } from './shortcuts.ts';

const keys = [
  ['/', 'go to the filter'],
  ['j k', 'into the list; next row, row before'],
  ['Enter', 'open the row'],
  ['x', 'select the row'],
  ['X', 'select the rows up to this one'],
  ['Space', 'pause, go on'],
  [isMac ? '⌘K' : 'Ctrl+K', 'find anything'],
  [isMac ? '⌘S' : 'Ctrl+S', 'save the draft of a configuration'],
  [isMac ? '⌘↵' : 'Ctrl+↵', 'publish it'],
  ['?', 'this help'],
  ['Esc', 'close, or back to the page above'],
] as const;

export function Help(props: { readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keyboard" onClose={props.onClose}>
      <div class="key-lists">
        <dl class="keys">
          <For each={keys}>{([key, what]) => <><dt><For each={key.split(' ')}>{(each) => <><kbd>{each}</kbd> </>}</For></dt><dd>{what}</dd></>}</For>
        </dl>
        <dl class="keys">
          <For each={pageTable}>{(page) => <><dt><kbd>g</kbd> <kbd>{page.key}</kbd></dt><dd>{page.name}</dd></>}</For>
        </dl>
      </div>
      <form method="dialog"><button>Close</button></form>
    </Dialog>
  );
}
