/** The value of a key at the time that the page shows, and its value now, side by side. */

import { createMemo, Show, type JSX } from 'solid-js';
import type { KvItem } from '@rollcall/protocol';
import { answerTo } from '../../live/answer.ts';
import { asOfMs } from '../../live/as-of.ts';
import { clockOf } from '../../live/time.ts';
import { Sides } from '../config/sides.tsx';
import type { KeyStore } from './store.ts';
import { bytesOf, hexBytesMax, hexOf, textOf } from './value.ts';

export interface AgainstNowProps {
  readonly store: KeyStore;
  readonly key_: string;
  /** Undefined: there was none. */
  readonly then: KvItem | undefined;
}

export function AgainstNow(props: AgainstNowProps): JSX.Element {
  const now = answerTo(() => {
    // Asked for again when the page shows another time.
    asOfMs();
    return props.store.read(props.key_).then((item) => ({ item, atMs: Date.now() }));
  });
  const bytes = (item: KvItem | undefined): Uint8Array => bytesOf(item?.value ?? '');
  const shown = createMemo(() => {
    const { value } = now();
    if (value === undefined) return undefined;
    const both = [bytes(props.then), bytes(value.item)] as const;
    const isText = both.every((each) => textOf(each) !== undefined);
    const [before, after] = both.map((each) => (isText ? textOf(each) : hexOf(each)) ?? '');
    return {
      ...{ before: before ?? '', after: after ?? '', isCut: !isText && both.some(({ length }) => length > hexBytesMax) },
      labels: [label(props.then, `as of ${clockOf(asOfMs() ?? 0, Date.now())}`), label(value.item, `now (${clockOf(value.atMs, Date.now())})`)] as const,
    };
  });
  return (
    <>
      <Show when={now().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={shown()} keyed>
        {({ before, after, labels, isCut }) => (
          <>
            <Sides before={before} after={after} format="text" labels={labels} />
            <Show when={isCut}><p class="hint">Of each value the first {hexBytesMax} bytes.</p></Show>
          </>
        )}
      </Show>
    </>
  );
}

function label(item: KvItem | undefined, moment: string): string {
  return `${item === undefined ? 'no such key' : `revision ${item.revision}`}, ${moment}`;
}
