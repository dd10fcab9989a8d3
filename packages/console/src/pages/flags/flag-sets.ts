/** The flag sets of a namespace: its configurations in flagd's format, with their content and their draft. */

import { createEffect, createMemo, createSignal, on, type Accessor } from 'solid-js';
import type { ConfigDetail, ConfigDraft, ConfigLayer, ExplainedDenial, ListedConfig, PastView } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { asOfMs } from '../../live/as-of.ts';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { createRights } from '../../parts/denied.ts';

/** What the page needs of a configuration; of a past time nothing else is known. */
export interface ConfigHead extends Pick<ListedConfig, 'app' | 'name' | 'cluster' | 'release' | 'format' | 'changedMs' | 'owner'> {
  readonly draft?: Pick<NonNullable<ListedConfig['draft']>, 'revision' | 'remove'>;
  readonly can?: ListedConfig['can'];
}

/** A configuration with the content that clients get, and the draft. */
export interface FlagContent {
  readonly head: ConfigHead;
  readonly release: string | undefined;
  readonly draft: string | undefined;
}

export interface SetRef {
  readonly namespace: string;
  readonly app: string;
  readonly name: string;
  readonly cluster: string;
}

export const configPath = '/rollcall/v1/config';

export function queryOf({ namespace, app, name, cluster }: SetRef): string {
  return String(new URLSearchParams({ environment: namespace, app, name, cluster }));
}

/** The cluster in an address; the default one is left out. */
export function clusterQuery(cluster: string): Readonly<Record<string, string>> {
  return { cluster: cluster === 'default' ? '' : cluster };
}

/** Why the caller may not change the draft; null: it may, undefined: the set has not come. */
export function createEditDenial({ namespace, app, name }: SetRef, shown: Accessor<SetShown>): Accessor<ExplainedDenial | null | undefined> {
  const rights = createRights(() => shown().content?.head.can, { edit: { namespace, resource: 'config', verb: 'write', name: `${app}/${name}` } });
  return () => rights('edit');
}

export function isFlagSet({ format, name }: ConfigHead): boolean {
  return format === 'flags' || (format === undefined && /\.flags(\.json)?$/i.test(name));
}

export interface SetsShown {
  readonly sets: readonly ConfigHead[];
  readonly isReady: boolean;
  readonly error: string | undefined;
}

export function watchSets(live: LiveViews, namespace: string): Accessor<SetsShown> {
  const state = polled<readonly ListedConfig[]>(`${configPath}/list?${String(new URLSearchParams({ environment: namespace }))}`, {}, live.isPaused);
  return createMemo(() => ({ sets: state().content?.filter(isFlagSet) ?? [], isReady: state().content !== undefined || state().error !== undefined, error: state().error }));
}

export interface SetShown {
  readonly content: FlagContent | undefined;
  readonly error: string | undefined;
}

/** The release of a set as it was at a past time; the past has no drafts. */
function pastSet(ref: SetRef): Accessor<SetShown> {
  const [shown, setShown] = createSignal<SetShown>({ content: undefined, error: undefined });
  createEffect(on(asOfMs, (atMs) => {
    if (atMs === undefined) return;
    const query = new URLSearchParams({ kind: 'config', namespace: ref.namespace, name: `${ref.app}/${ref.name}`, cluster: ref.cluster, at: String(atMs) });
    ask<PastView<ConfigLayer>>('GET', `/rollcall/v1/history/view?${query.toString()}`).then(
      ({ items }) => {
        const layer = items.find(({ app, name, cluster }) => app === ref.app && name === ref.name && cluster === ref.cluster);
        const head: ConfigHead = { app: ref.app, name: ref.name, cluster: ref.cluster, release: layer?.release ?? 0, changedMs: 0 };
        if (asOfMs() === atMs) setShown({ content: { head, release: layer?.content, draft: undefined }, error: undefined });
      },
      (error: unknown) => asOfMs() === atMs && setShown({ content: undefined, error: error instanceof Error ? error.message : String(error) }),
    );
  }));
  return shown;
}

export function watchSet(live: LiveViews, ref: SetRef): Accessor<SetShown> {
  const [present, past] = [presentSet(live, ref), pastSet(ref)];
  return () => (asOfMs() === undefined ? present() : past());
}

function presentSet(live: LiveViews, ref: SetRef): Accessor<SetShown> {
  const state = polled<ConfigDetail>(`${configPath}?${queryOf(ref)}`, {}, live.isPaused);
  const revision = createMemo(() => (state().content?.draft?.remove === true ? undefined : state().content?.draft?.revision));
  const [draft, setDraft] = createSignal<string>();
  // A resource would hide the page while it waits for the draft.
  createEffect(on(revision, (wanted) => {
    if (wanted === undefined) {
      setDraft(undefined);
      return;
    }
    ask<ConfigDraft>('GET', `${configPath}/draft?${queryOf(ref)}`).then(
      ({ content }) => revision() === wanted && setDraft(content),
      () => revision() === wanted && setDraft(undefined),
    );
  }));
  return createMemo(() => {
    const { content: head, error } = state();
    return { content: head === undefined ? undefined : { head, release: head.current?.content, draft: draft() }, error };
  });
}
