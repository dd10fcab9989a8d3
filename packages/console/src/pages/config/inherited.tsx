/** Keys of properties that come from configurations below: which ones this one overrides, and which it does not have. */

import { createMemo, For, Show, type JSX } from 'solid-js';
import { parseProperties, printProperties } from '@rollcall/protocol';
import { isSame, titleOf } from './data.ts';
import type { Mark } from './editor.ts';
import type { Model } from './model.ts';
import { keysOf } from './outline.ts';

interface Below {
  readonly key: string;
  readonly value: string;
  readonly from: string;
}

/** What a client would get without this configuration. The first layer with a key gives its value. */
function below({ of, resolved }: Model): readonly Below[] {
  const values = new Map<string, Below>();
  for (const layer of resolved()?.layers ?? []) {
    if (isSame(layer, of) || layer.format !== 'properties') continue;
    const parsed = parseProperties(layer.content);
    if (parsed.ok) for (const [key, value] of parsed.entries) if (!values.has(key)) values.set(key, { key, value, from: titleOf(layer) });
  }
  return [...values.values()];
}

/** Notes in the editor at the keys that stand above others. */
export function marksOf(model: Model): readonly Mark[] {
  return below(model).map(({ key, value, from }) => ({ key, text: `overrides ${from}: ${value}` }));
}

/** @param override undefined when the text cannot be changed */
export function InheritedKeys(props: { readonly model: Model; readonly text: string; readonly override: ((line: string) => void) | undefined }): JSX.Element {
  const inherited = createMemo(() => {
    const own = new Set(keysOf(props.text, 'properties').map(({ path }) => path[0]));
    return below(props.model).filter(({ key }) => !own.has(key));
  });
  return (
    <Show when={inherited().length > 0}>
      <details class="config-inherited" open>
        <summary>{inherited().length} key{inherited().length === 1 ? '' : 's'} inherited</summary>
        <ul>
          <For each={inherited()}>
            {({ key, value, from }) => (
              <li>
                <code>{key}</code> = <code>{value}</code> <span class="hint">from {from}</span>
                <Show when={props.override}>{(override) => <button type="button" class="plain" aria-label={`Override ${key}`} onClick={() => override()(printProperties([[key, value]]).trimEnd())}>override</button>}</Show>
              </li>
            )}
          </For>
        </ul>
      </details>
    </Show>
  );
}
