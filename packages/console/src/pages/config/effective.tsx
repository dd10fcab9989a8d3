/** What a client gets: the values with the configuration that each comes from, or the content of the first layer. */

import { For, Show, type JSX } from 'solid-js';
import { Table, type Column } from '../../parts/table.tsx';
import type { Model } from './model.ts';

interface Value {
  readonly key: string;
  readonly value: string;
  readonly from: string;
}

export function EffectivePart(props: { readonly model: Model }): JSX.Element {
  const own = (): string => `${props.model.of.app}/${props.model.of.name} in ${props.model.of.cluster}`;
  const columns: readonly Column<Value>[] = [
    { name: 'key', width: '2fr', cell: (row) => <code>{row.key}</code> },
    { name: 'value', width: '2fr', cell: (row) => <code>{row.value}</code> },
    { name: 'from', width: '2fr', cell: (row) => (row.from === own() ? <span class="hint">here</span> : <span class="badge">{row.from}</span>) },
  ];
  return (
    <Show when={props.model.resolved()} fallback={<p class="empty">Clients get nothing of it yet.</p>}>
      {(resolved) => (
        <>
          <ol class="config-layers" aria-label="Layers, the first wins">
            <For each={resolved().layers}>{(layer) => <li><strong>{layer.app}/{layer.name}</strong> <span class="hint">@{layer.cluster}</span> release {layer.release}</li>}</For>
          </ol>
          <Show when={resolved().merged.values} fallback={<pre class="config-text">{resolved().merged.content}</pre>}>
            {(values) => <Table label="Values that clients get" rows={values()} columns={columns} empty="It has no key." />}
          </Show>
        </>
      )}
    </Show>
  );
}
