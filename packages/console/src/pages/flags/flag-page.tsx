/** One flag: what it is, its editor, and the playground beside it. A change is saved into the draft of its configuration, which publishes it. */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { pastReason } from '../../live/as-of.ts';
import type { LiveViews } from '../../live/views.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { follow, hrefOf } from '../../place.ts';
import { faultOf, readFlags, withFlag, type ShownFlag } from './definition.ts';
import { FlagEditor } from './editor.tsx';
import { clusterQuery, createEditDenial, watchSet, type FlagContent, type SetRef } from './flag-sets.ts';
import { Playground, type Source } from './playground.tsx';
import { outcomeText, ruleText } from './rule-text.ts';
import { readTargeting, type Json, type Targeting } from './rules.ts';
import { saveDraft } from './save-draft.ts';
import { textOfValue } from './values.ts';

interface Edit {
  /** As it was when the edit began: the change is made to it. */
  readonly before: FlagContent;
  readonly whole: Json;
}

export function FlagPage(props: { readonly live: LiveViews; readonly set: SetRef; readonly flag: string }): JSX.Element {
  const shown = watchSet(props.live, props.set);
  const content = createMemo(() => textOf(shown().content));
  const flag = createMemo((): ShownFlag | undefined => {
    const text = content();
    const read = text === undefined ? undefined : readFlags(text);
    return read?.ok === true ? read.flags.find(({ key }) => key === props.flag) : undefined;
  });
  const refused = createEditDenial(props.set, shown);
  const [edit, setEdit] = createSignal<Edit>();
  const [isDeleting, setDeleting] = createSignal(false);
  const outcome = createOutcome();

  const edited = createMemo(() => {
    const now = edit();
    return now === undefined ? undefined : withFlag(textOf(now.before) ?? '{}', props.flag, now.whole);
  });
  const fault = createMemo(() => (edited() === undefined ? undefined : faultOf(edited() as string, props.flag)));
  const isOutdated = (): boolean => {
    const [before, now] = [edit()?.before.head, shown().content?.head];
    return before !== undefined && now !== undefined && (before.release !== now.release || before.draft?.revision !== now.draft?.revision);
  };
  const sources = createMemo((): readonly Source[] => {
    const { release, draft } = shown().content ?? {};
    const change = edited();
    const next: Source | undefined = change === undefined ? (draft === undefined ? undefined : { name: 'draft', content: draft }) : { name: 'change', content: change };
    return [...(release === undefined ? [] : [{ name: 'release', content: release }]), ...(next === undefined ? [] : [next])];
  });
  const impossible = (): string | undefined => pastReason() ?? (shown().content?.head.owner === 'git' ? 'the flags come from a repository; change them there' : undefined);

  const save = async (before: FlagContent, text: string, done: string): Promise<void> => {
    await outcome.run(async () => {
      const undo = await saveDraft(props.set, before, text);
      setEdit();
      return { text: `${done} Publish the draft, or propose it, in the configuration.`, undo };
    });
  };
  const remove = async (before: FlagContent): Promise<void> => {
    setDeleting(false);
    await save(before, withFlag(textOf(before) ?? '{}', props.flag, undefined), 'The flag is removed in the draft.');
  };

  return (
    <>
      <p class="way"><a href={hrefOf(['flags'])} onClick={follow}>Flags</a> / <a href={hrefOf(['flags', props.set.app, props.set.name], clusterQuery(props.set.cluster))} onClick={follow}>{props.set.app}/{props.set.name}</a></p>
      <h1>{props.flag}</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <OutcomeLine outcome={outcome} />
      <Show when={shown().content?.draft !== undefined}>
        <p class="hint">There is a draft, which is not published yet: <a href={hrefOf(['config', props.set.namespace, props.set.app, props.set.name], clusterQuery(props.set.cluster))} onClick={follow}>review and publish it</a>.</p>
      </Show>
      <Show when={flag()} fallback={<Show when={content() !== undefined}><p class="empty">The {shown().content?.draft === undefined ? 'release' : 'draft'} has no flag of this key.</p></Show>}>
        {(present) => (
          <div class="flag">
            <section aria-label="Definition">
              <Show when={edit()} fallback={
                <>
                  <Facts flag={present()} />
                  <div class="tools">
                    <ActionButton denial={refused()} impossible={impossible()} onClick={() => setEdit({ before: shown().content as FlagContent, whole: present().whole })}>Edit</ActionButton>
                    <ActionButton kind="danger" denial={refused()} impossible={impossible()} onClick={() => setDeleting(true)}>Remove the flag</ActionButton>
                  </div>
                  <Show when={isDeleting()}>
                    <div class="question" role="group" aria-label="Confirm">
                      <p>Remove <strong>{props.flag}</strong> in the draft? Once it is published, programs that ask for it get the default of their code.</p>
                      <button type="button" autofocus onClick={() => void remove(shown().content as FlagContent)}>Remove</button>{' '}
                      <button type="button" onClick={() => setDeleting(false)}>Cancel</button>
                    </div>
                  </Show>
                </>
              }>
                {(now) => (
                  <FlagEditor
                    whole={now().whole}
                    fault={fault()}
                    isOutdated={isOutdated()}
                    onChange={(whole) => setEdit({ ...now(), whole })}
                    onSave={() => void save(now().before, edited() ?? '', 'Saved as draft.')}
                    onCancel={() => setEdit()}
                  />
                )}
              </Show>
            </section>
            <Playground flag={props.flag} sources={sources()} />
          </div>
        )}
      </Show>
    </>
  );
}

/** The draft is what the next publication shows, so it is what an operator works on. */
function textOf(content: FlagContent | undefined): string | undefined {
  return content?.draft ?? content?.release;
}

function Facts(props: { readonly flag: ShownFlag }): JSX.Element {
  const targeting = createMemo(() => readTargeting(props.flag.targeting));
  const known = (): Extract<Targeting, { readonly kind: 'rules' }> | undefined => {
    const now = targeting();
    return now.kind === 'rules' ? now : undefined;
  };
  return (
    <>
      <h2>Definition</h2>
      <p><span class="badge" classList={{ passing: props.flag.state === 'ENABLED' }}>{props.flag.state === 'ENABLED' ? 'on' : 'off'}</span></p>
      <dl>
        <For each={Object.entries(props.flag.variants)}>{([name, value]) => <><dt>{name}{name === props.flag.defaultVariant ? ' (default)' : ''}</dt><dd><code>{textOfValue(value)}</code></dd></>}</For>
      </dl>
      <Show when={known()} fallback={<pre tabindex="0">{JSON.stringify(props.flag.targeting, undefined, 2)}</pre>}>
        {(rules) => (
          <ol>
            <For each={rules().rules}>{(rule) => <li>{ruleText(rule, props.flag.defaultVariant)}</li>}</For>
            <li>{rules().rules.length === 0 ? 'for all' : 'otherwise'} → {outcomeText(rules().otherwise, props.flag.defaultVariant)}</li>
          </ol>
        )}
      </Show>
    </>
  );
}
