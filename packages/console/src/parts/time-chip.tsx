/**
 * The chip that says how fresh the console is, and goes back in time: by a slider over what the server's history keeps, by steps, or by a time that is
 * typed. It does not load the past: the address has the time, and pages follow it.
 */

import { createSignal, createUniqueId, onCleanup, Show, type JSX } from 'solid-js';
import type { HistoryFacts } from '@rollcall/protocol';
import { ask } from '../api.ts';
import { asOfMs, showAsOf } from '../live/as-of.ts';
import { clockOf, parseTime, spanOf } from '../live/time.ts';
import type { LiveViews } from '../live/views.ts';
import { Link } from './link.tsx';

/** While the slider moves, the pages follow this often. */
const followMs = 200;
const steps = [
  ['10 minutes earlier', '−10m', -600_000],
  ['1 minute earlier', '−1m', -60_000],
  ['1 minute later', '+1m', 60_000],
  ['10 minutes later', '+10m', 600_000],
] as const;

export function TimeChip(props: { readonly live: LiveViews }): JSX.Element {
  const id = createUniqueId();
  const [now, setNow] = createSignal(Date.now());
  const [isOpen, setOpen] = createSignal(false);
  const timer = setInterval(() => setNow(Date.now()), 1_000);
  onCleanup(() => clearInterval(timer));
  const state = (): 'past' | 'stale' | 'connecting' | 'paused' | 'live' => {
    const { isConnected, staleSinceMs } = props.live.link();
    if (asOfMs() !== undefined) return 'past';
    if (staleSinceMs !== undefined) return 'stale';
    if (!isConnected) return 'connecting';
    return props.live.isPaused() ? 'paused' : 'live';
  };
  const text = (): string => {
    const atMs = asOfMs();
    if (atMs !== undefined) return clockOf(atMs, now());
    if (state() === 'stale') return `stale ${Math.max(0, Math.round((now() - (props.live.link().staleSinceMs ?? now())) / 1_000))} s`;
    return state();
  };
  let chip!: HTMLDivElement;
  const closeOutside = (event: Event): void => {
    if (event.target instanceof Node && !chip.contains(event.target)) setOpen(false);
  };
  document.addEventListener('pointerdown', closeOutside);
  onCleanup(() => document.removeEventListener('pointerdown', closeOutside));
  return (
    <div
      class="time"
      ref={chip}
      onFocusOut={({ relatedTarget }) => relatedTarget instanceof Node && !chip.contains(relatedTarget) && setOpen(false)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen()) return;
        event.preventDefault();
        event.stopPropagation();
        setOpen(false);
        chip.querySelector('button')?.focus();
      }}
    >
      <button type="button" class={`link ${state()}`} aria-expanded={isOpen()} aria-controls={id} title="Go back in time" onClick={() => setOpen(!isOpen())}>
        <span>{text()}</span>
        <Show when={state() !== 'past' && props.live.revision() > 0}><span class="revision">r{props.live.revision()}</span></Show>
      </button>
      <div id={id} class="time-sheet" hidden={!isOpen()}><Show when={isOpen()}><TimeSheet now={now} /></Show></div>
      {/* Screen readers hear of a change of the state, not of each second. */}
      <span class="unseen" role="status">{state() === 'stale' ? 'The server does not answer; the content is old.' : state() === 'paused' ? 'Paused' : ''}</span>
    </div>
  );
}

function TimeSheet(props: { readonly now: () => number }): JSX.Element {
  const [kept, setKept] = createSignal<HistoryFacts>();
  const [error, setError] = createSignal('');
  ask<HistoryFacts>('GET', '/rollcall/v1/history').then(setKept, (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const go = (atMs: number): void => {
    const sinceMs = kept()?.sinceMs ?? 0;
    showAsOf(atMs >= props.now() ? undefined : Math.max(atMs, sinceMs));
  };
  const drag = (atMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => go(atMs), followMs);
  };
  const type = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get('time');
    const atMs = parseTime(typeof given === 'string' ? given : '', props.now());
    if (atMs === undefined) setError('Type a time like 10m, 14:02 or 2026-11-29 09:00.');
    else if (atMs < (kept()?.sinceMs ?? 0)) setError(`The history begins at ${clockOf(kept()?.sinceMs ?? 0, props.now())}.`);
    else {
      setError('');
      go(atMs);
    }
  };
  return (
    <section aria-label="Time">
      <Show when={error() !== ''}><p class="error" role="alert">{error()}</p></Show>
      <Show when={kept()}>
        {(history) => (
          <Show when={history().bytesMax > 0} fallback={<p>This server keeps no history.</p>}>
            <input
              type="range"
              aria-label="Time that the console shows"
              aria-valuetext={asOfMs() === undefined ? 'now' : clockOf(asOfMs() ?? 0, props.now())}
              min={history().sinceMs}
              max={history().nowMs}
              step={1_000}
              value={asOfMs() ?? history().nowMs}
              onInput={(event) => drag(event.currentTarget.valueAsNumber)}
            />
            <p class="ends"><span>{clockOf(history().sinceMs, props.now())}</span><span>now</span></p>
            <div class="tools">
              {steps.map(([name, short, by]) => <button type="button" title={name} onClick={() => go((asOfMs() ?? props.now()) + by)}>{short}</button>)}
              <button type="button" class="primary" disabled={asOfMs() === undefined} onClick={() => showAsOf(undefined)}>Now</button>
            </div>
            <form onSubmit={type}>
              <label>Go to<input name="time" placeholder="10m, 14:02, 2026-11-29 09:00" autocomplete="off" /></label>
            </form>
            <p class="hint">The last {spanOf(history().nowMs - history().sinceMs)}; {(history().bytes / 2 ** 20).toFixed(1)} of {Math.round(history().bytesMax / 2 ** 20)} MiB are used.</p>
          </Show>
        )}
      </Show>
    </section>
  );
}

/** Over every page that shows the past. */
export function PastBanner(): JSX.Element {
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), 10_000);
  onCleanup(() => clearInterval(timer));
  return (
    <Show when={asOfMs()}>
      {(atMs) => (
        <div class="banner" role="status">
          <strong>as of {clockOf(atMs(), now())}</strong>
          <span>({spanOf(now() - atMs())} ago) Nothing can be changed here.</span>
          <Link to={['diff']} query={{ from: String(atMs()), at: '' }}>Differences to now</Link>
          <button type="button" onClick={() => showAsOf(undefined)}>Back to now</button>
        </div>
      )}
    </Show>
  );
}
