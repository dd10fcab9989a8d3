/** All that the parts of one configuration's page show, asked for once: the row, its draft, its history, its proposals, and what the caller may do. */

import { createMemo, createResource, createSignal, type Accessor } from 'solid-js';
import { formatOfName, type ConfigDraft, type ConfigEnvironment, type ConfigStep, type ExplainedDenial, type ListedProposal, type ResolvedConfig } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { answerTo } from '../../live/answer.ts';
import { asOfMs, pastReason } from '../../live/as-of.ts';
import { createNow } from '../../live/now.ts';
import { lookAgain, polled, type Polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { createRights } from '../../parts/denied.ts';
import { session } from '../../session.ts';
import { isSame, pathOf, root, type WholeConfig, type Ref } from './data.ts';

/** Why the caller may not do something; null: it may. */
export interface Denials {
  readonly edit: ExplainedDenial | null;
  readonly approve: ExplainedDenial | null;
  readonly publish: ExplainedDenial | null;
  readonly reveal: ExplainedDenial | null;
}

export interface Model {
  readonly of: Ref;
  readonly live: LiveViews;
  readonly environment: Accessor<ConfigEnvironment>;
  readonly one: Accessor<Polled<WholeConfig>>;
  /** Undefined: there is none, or it has not come yet. */
  readonly draft: Accessor<ConfigDraft | undefined>;
  readonly history: Accessor<readonly ConfigStep[]>;
  /** The newest first. */
  readonly proposals: Accessor<readonly ListedProposal[]>;
  /** Undefined while clients get nothing. */
  readonly resolved: Accessor<ResolvedConfig | undefined>;
  /** Undefined until they are known. */
  readonly denied: Accessor<Denials | undefined>;
  /** Of a page of the past, that time. */
  readonly now: Accessor<number>;
  /** Why its content cannot be changed here, for people; undefined: it can. What goes back, stops or approves works all the same. */
  readonly fixed: Accessor<string | undefined>;
  /** The format that the operator has chosen for the draft and not saved yet. */
  readonly chosenFormat: Accessor<string | undefined>;
  readonly chooseFormat: (format: string | undefined) => void;
  /** Changes something, and asks for everything again. @throws ApiError */
  readonly change: <T extends { readonly done: boolean }>(path: string, body: object) => Promise<T>;
}

const [author, setAuthor] = createSignal('');

/** The name of the operator, which counts only while access control is off. */
export { author, setAuthor };

export function createModel(of: Ref, live: LiveViews, environment: Accessor<ConfigEnvironment>): Model {
  const one = polled<WholeConfig>(pathOf('', of, { whole: 'true' }), {}, live.isPaused);
  const hasHistory = createMemo(() => (one().content?.last ?? 0) > 0);
  const hasRelease = createMemo(() => (one().content?.release ?? 0) > 0);
  // Each step of the history is written with the row, so the row says when there are more; after an error it is asked for again.
  const step = createMemo(() => (hasHistory() ? `${one().content?.last ?? ''} ${one().content?.revision ?? ''} ${one().error ?? ''}` : undefined));
  const steps = answerTo(() => (step() === undefined ? undefined : ask<readonly ConfigStep[]>('GET', pathOf('/history', of, asOf()))));
  const proposalState = polled<readonly ListedProposal[]>(`${root}/proposals?${new URLSearchParams({ environment: of.environment, app: of.app })}`, {}, live.isPaused);
  // It is asked anew when a release or the settings change: parents of other apps do not change under an open page often.
  const revision = createMemo(() => (hasRelease() ? one().content?.revision : undefined));
  const [resolved] = createResource(revision, () => ask<ResolvedConfig>('GET', pathOf('/resolve', of, asOf())).catch(() => undefined));
  const name = `${of.app}/${of.name}`;
  const question = (resource: string) => ({ namespace: of.environment, resource, verb: 'write' as const, name });
  const can = () => one().content?.can;
  const rights = createRights(can, { edit: question('config'), approve: question('config-approve'), publish: question('config-publish'), reveal: question('config-reveal') });
  const denied = createMemo((): Denials | undefined => {
    const [edit, approve, publish, reveal] = [rights('edit'), rights('approve'), rights('publish'), rights('reveal')];
    return edit === undefined || approve === undefined || publish === undefined || reveal === undefined ? undefined : { edit, approve, publish, reveal };
  });
  const [chosenFormat, chooseFormat] = createSignal<string>();
  const now = createNow();
  return {
    of,
    live,
    environment,
    one,
    draft: () => one().content?.draft,
    history: () => (hasHistory() ? steps().value ?? [] : []),
    proposals: createMemo(() => (proposalState().content ?? []).filter((each) => isSame(each, of))),
    resolved: () => resolved.latest,
    denied,
    now,
    fixed: () => pastReason() ?? (one().content?.owner === 'git' ? 'a repository owns this configuration: change it there, or take the owner away in its settings' : undefined),
    chosenFormat,
    chooseFormat,
    async change(path, body) {
      const by = session()?.accessControl === false ? author().trim() : '';
      try {
        return await ask('POST', pathOf(path, of, by === '' ? {} : { by }), body);
      } finally {
        lookAgain();
      }
    },
  };
}

/** The proposal that is open, if there is one: a draft has one at most. */
export function openProposal(model: Model): ListedProposal | undefined {
  return model.proposals().find(({ state }) => state === 'open');
}

/** The format that a draft is saved with. */
export function draftFormat({ of, one, draft, chosenFormat }: Model): string {
  return chosenFormat() ?? draft()?.format ?? one().content?.format ?? formatOfName(of.name) ?? 'text';
}

/** The format for colours: text may be XML. */
export function formatOf(model: Model): string {
  const format = draftFormat(model);
  return format === 'text' && model.of.name.toLowerCase().endsWith('.xml') ? 'xml' : format;
}

/** The parameter of a question about the time that the console shows. */
export function asOf(): { readonly at?: string } {
  const atMs = asOfMs();
  return atMs === undefined ? {} : { at: String(atMs) };
}
