/** One lock: its holders, live, the queue in order, and what an operator may do with both. */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { kindOfLock, nameOfContender, type LockContender, type LockDetail, type LockHolder } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { pastReason } from '../../live/as-of.ts';
import { polled } from '../../live/polled.ts';
import { clockOf, spanOf } from '../../live/time.ts';
import type { LiveViews } from '../../live/views.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { createRights } from '../../parts/denied.ts';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { follow, hrefOf } from '../../place.ts';

/** What an operator is about to do. */
interface Asked {
  readonly title: string;
  readonly effect: string;
  readonly path: 'expel' | 'hand-over';
  readonly body: { readonly contender: string; readonly to?: string };
  readonly done: string;
}

/** Contenders of a queue that are shown; it may have 10,000. */
const queueShownMax = 200;

export function LockPage(props: { readonly live: LiveViews; readonly namespace: string; readonly name: string }): JSX.Element {
  const held = props.live.watch<LockHolder>({ kind: 'lock', namespace: props.namespace, name: props.name });
  const state = polled<LockDetail>(`/rollcall/v1/locks?${String(new URLSearchParams({ namespace: props.namespace, name: props.name }))}`, {}, props.live.isPaused);
  // The lock itself says what the caller may do; only the reason has to be asked for.
  const rights = createRights(() => state().content?.can, { expel: { namespace: props.namespace, resource: 'operator', verb: 'write' } });
  const refused = () => rights('expel');
  const [asked, setAsked] = createSignal<Asked>();
  const [reason, setReason] = createSignal('');
  const outcome = createOutcome();

  const sessions = createMemo(() => new Map((state().content?.holders ?? []).map((holder) => [holder.contender, holder])));
  const holders = createMemo(() => [...held().items.values()].sort((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1)));
  const waiting = createMemo(() => (pastReason() === undefined ? (state().content?.waiting ?? []).filter(({ contender }) => !held().items.has(contender)) : []));
  const only = (): LockHolder | undefined => (holders().length === 1 ? holders()[0] : undefined);
  // The live holders say nothing of their clients.
  const nameOf = (each: LockHolder | LockContender): string => nameOfContender({ ...sessions().get(each.contender), ...each });
  const next = (): string => {
    const [first] = waiting();
    return first === undefined ? 'The lock becomes free' : `${nameOf(first)} gets the lock, with a higher token`;
  };

  const act = async ({ path, body, done }: Asked): Promise<void> => {
    const why = reason();
    setAsked();
    setReason('');
    await outcome.run(async () => {
      const answer = await ask<{ readonly expelled?: boolean; readonly handedOver?: boolean }>('POST', `/rollcall/v1/locks/${path}`, { namespace: props.namespace, name: props.name, ...body, ...(why === '' ? {} : { reason: why }) });
      return { text: answer.expelled === true || answer.handedOver === true ? done : 'Nothing was done: it had left the lock meanwhile.' };
    });
  };

  const learns = 'The holder learns it when it renews its session; until then only resources that check the token refuse it.';
  const takeAway = (holder: LockHolder): Asked => ({ title: `Take the lock from ${nameOf(holder)}`, effect: `${next()}. ${learns}`, path: 'expel', body: { contender: holder.contender }, done: `${nameOf(holder)} has lost the lock.` });
  const remove = (waiter: LockContender): Asked => ({ title: `Remove ${nameOf(waiter)} from the queue`, effect: 'Its request for the lock ends; its client may ask again.', path: 'expel', body: { contender: waiter.contender }, done: `${nameOf(waiter)} has left the queue.` });
  const give = (waiter: LockContender, holder: LockHolder): Asked => ({ title: `Give the lock to ${nameOf(waiter)}`, effect: `${nameOf(holder)} loses the lock. ${learns}`, path: 'hand-over', body: { contender: holder.contender, to: waiter.contender }, done: `${nameOf(waiter)} has the lock.` });

  return (
    <>
      <p class="way"><a href={hrefOf(['locks'])} onClick={follow}>Locks</a></p>
      <h1>{props.name}</h1>
      <Show when={pastReason() === undefined && (state().content?.limit ?? 0) > 0 ? state().content : undefined}>{(lock) => <p class="kind">{kindOfLock({ ...lock(), holding: holders().length, shared: holders()[0]?.shared })}</p>}</Show>
      <Show when={held().error ?? (pastReason() === undefined ? state().error : undefined)}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={asked()} keyed>
        {(question) => (
          <form class="question" aria-label="Confirm" onSubmit={(event) => (event.preventDefault(), void act(question))}>
            <p><strong>{question.title}?</strong> {question.effect}</p>
            <label>Reason <input value={reason()} maxlength="500" onInput={(event) => setReason(event.currentTarget.value)} ref={(input) => queueMicrotask(() => input.focus())} /></label>
            <button type="submit">{question.title}</button>{' '}
            <button type="button" onClick={() => setAsked()}>Cancel</button>
          </form>
        )}
      </Show>
      <OutcomeLine outcome={outcome} />
      <Show when={held().isReady && held().error === undefined}>
        <h2>{holders().length === 0 ? 'No holder' : state().content !== undefined && (state().content?.limit ?? 1) > 1 ? `${holders().length} of ${state().content?.limit} holders` : holders().length === 1 ? 'Holder' : `${holders().length} holders share it`}</h2>
        <ul class="contenders" aria-label="Holders">
          <For each={holders()}>
            {(holder) => (
              <li>
                <strong>{nameOf(holder)}</strong>
                <span class="hint">{[`token ${holder.token}`, ...(holder.sinceMs === undefined ? [] : [`since ${clockOf(holder.sinceMs, Date.now())}`]), ...sessionText(sessions().get(holder.contender))].join(' · ')}</span>
                <ActionButton kind="danger" denial={refused()} impossible={pastReason()} onClick={() => setAsked(takeAway(holder))}>Take away</ActionButton>
              </li>
            )}
          </For>
        </ul>
        <Show when={pastReason() === undefined} fallback={<p class="hint">The queue has no history.</p>}>
          <h2>{waiting().length === 0 ? 'None waits' : `${waiting().length} waiting, in this order`}</h2>
          <ol class="contenders" aria-label="Queue">
            <For each={waiting().slice(0, queueShownMax)}>
              {(waiter) => (
                <li>
                  <strong>{nameOf(waiter)}</strong>
                  <span class="hint">{[...(waiter.shared === true ? ['shares it'] : []), ...(waiter.sinceMs === undefined ? [] : [`waits since ${clockOf(waiter.sinceMs, Date.now())}`]), ...sessionText(waiter)].join(' · ')}</span>
                  <Show when={only()}>{(holder) => <ActionButton denial={refused()} onClick={() => setAsked(give(waiter, holder()))}>Give it the lock</ActionButton>}</Show>
                  <ActionButton denial={refused()} onClick={() => setAsked(remove(waiter))}>Remove</ActionButton>
                </li>
              )}
            </For>
          </ol>
          <Show when={waiting().length > queueShownMax}><p class="hint">and {waiting().length - queueShownMax} more</p></Show>
        </Show>
      </Show>
    </>
  );
}

function sessionText(contender: Pick<LockContender, 'session' | 'ttlMs'> | undefined): readonly string[] {
  if (contender === undefined) return [];
  const { session, ttlMs } = contender;
  return [`session ${session.slice(0, 8)}`, ...(ttlMs === undefined ? [] : [`lease of ${spanOf(ttlMs)}`])];
}
