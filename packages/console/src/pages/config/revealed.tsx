/** The secrets of a content in clear, for 30 seconds. The server writes into its audit log who has seen them. */

import { createResource, createSignal, For, onCleanup, Show, type JSX } from 'solid-js';
import { ask } from '../../api.ts';
import { pathOf, type WholeConfig } from './data.ts';
import type { Model } from './model.ts';

const shownMs = 30_000;

/** Whether a content has secrets that are masked. */
export function hasSecrets(content: string): boolean {
  return /\{masked\}[\w-]{16}/.test(content);
}

interface Line {
  readonly number: number;
  readonly text: string;
}

export function Revealed(props: { readonly model: Model; readonly onClose: () => void }): JSX.Element {
  const { model } = props;
  const [lines] = createResource(async (): Promise<readonly Line[]> => {
    const { draft, current } = await ask<WholeConfig>('GET', pathOf('', model.of, { whole: 'true', reveal: 'true' }));
    const content = draft?.content ?? current?.content;
    return (content ?? '').split('\n').flatMap((text, n) => (text.includes('{secret}') ? [{ number: n + 1, text: text.replaceAll(/\{\/?secret\}/g, '') }] : []));
  });
  const endsMs = Date.now() + shownMs;
  const [leftMs, setLeft] = createSignal(shownMs);
  const timer = setInterval(() => {
    setLeft(endsMs - Date.now());
    if (endsMs <= Date.now()) props.onClose();
  }, 250);
  onCleanup(() => clearInterval(timer));
  return (
    <section class="question" aria-label="Secrets in clear">
      <p>Hidden again in {Math.max(0, Math.ceil(leftMs() / 1_000))} s. The audit log says that you have seen them. <button type="button" class="plain" onClick={() => props.onClose()}>Hide</button></p>
      <Show when={lines.error as Error | undefined}>{(error) => <p class="error" role="alert">{error().message}</p>}</Show>
      <Show when={lines.error === undefined}><For each={lines()}>{({ number, text }) => <div><span class="hint">{number}</span> <code>{text}</code></div>}</For></Show>
    </section>
  );
}
