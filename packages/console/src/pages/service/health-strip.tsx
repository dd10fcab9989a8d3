/** The health of a service in the last 24 hours, a cell for each minute, from the server's history. Cells before the history begins are empty, and it says so. */

import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import type { HealthCell, HealthStrip as HealthStripAnswer, HistoryFacts } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { asOfMs, showAsOf } from '../../live/as-of.ts';
import { nowMs } from '../../live/now.ts';
import { clockOf } from '../../live/time.ts';
import { session } from '../../session.ts';

const dayMs = 86_400_000;
const cellsOfDay = 1_440;
const refreshMs = 60_000;
const height = 24;

export function HealthStrip(props: { readonly namespace: string; readonly service: string }): JSX.Element {
  const [strip, setStrip] = createSignal<{ readonly answer: HealthStripAnswer; readonly sinceMs: number | undefined }>();
  let isGone = false;
  // A server without a history has no strip.
  if (session()?.history !== true) return null;
  const look = async (): Promise<void> => {
    const to = nowMs();
    const query = new URLSearchParams({ namespace: props.namespace, service: props.service, from: String(to - dayMs), to: String(to), cells: String(cellsOfDay) });
    const [answer, facts] = await Promise.all([
      ask<HealthStripAnswer>('GET', `/rollcall/v1/history/strip?${String(query)}`).catch(() => undefined),
      ask<HistoryFacts>('GET', '/rollcall/v1/history').catch(() => undefined),
    ]);
    if (!isGone) setStrip(answer && { answer, sinceMs: facts?.sinceMs });
  };
  createEffect(on(asOfMs, () => void look()));
  const timer = setInterval(() => document.visibilityState === 'visible' && void look(), refreshMs);
  onCleanup(() => {
    isGone = true;
    clearInterval(timer);
  });
  return <Show when={strip()}>{(known) => <Cells strip={known().answer} sinceMs={known().sinceMs} />}</Show>;
}

/** Neighbours that look the same, as one. */
interface Run {
  readonly from: number;
  readonly length: number;
  readonly look: string;
}

/** @param props.sinceMs when the history begins; the cell of that minute begins before it */
function Cells(props: { readonly strip: HealthStripAnswer; readonly sinceMs: number | undefined }): JSX.Element {
  const runs = createMemo(() => runsOf(props.strip.cells));
  const cellMs = (): number => (props.strip.toMs - props.strip.fromMs) / Math.max(1, props.strip.cells.length);
  const begins = (): string | undefined => {
    const missing = props.strip.cells.findIndex((cell) => cell !== null);
    if (missing < 0) return 'There is no history of this time.';
    return missing === 0 ? undefined : `History begins ${timeOf(Math.max(props.strip.fromMs + missing * cellMs(), props.sinceMs ?? 0))}.`;
  };
  const summary = (): string => {
    const bad = props.strip.cells.filter((cell) => cell !== null && lookOf(cell) === 'bad').length;
    const minutes = Math.round((bad * cellMs()) / 60_000);
    return `Last 24 hours: ${bad === 0 ? 'at all times an instance got traffic' : `no instance got traffic for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`}`;
  };
  const goTo = (event: MouseEvent & { readonly currentTarget: SVGSVGElement }): void => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    showAsOf(props.strip.fromMs + ((event.clientX - left) / width) * (props.strip.toMs - props.strip.fromMs));
  };
  return (
    <figure class="strip">
      <svg viewBox={`0 0 ${props.strip.cells.length} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary()} onClick={goTo}>
        <For each={runs()}>{(run) => <rect class={run.look} x={run.from} width={run.length} y={0} height={height} />}</For>
      </svg>
      <figcaption><span>{timeOf(props.strip.fromMs)}</span><span>{begins() ?? summary()}</span><span>{timeOf(props.strip.toMs)}</span></figcaption>
    </figure>
  );
}

function runsOf(cells: readonly (HealthCell | null)[]): readonly Run[] {
  const runs: Run[] = [];
  let from = 0;
  for (let at = 1; at <= cells.length; at++) {
    if (at < cells.length && lookOf(cells[at]) === lookOf(cells[from])) continue;
    runs.push({ from, length: at - from, look: lookOf(cells[from]) });
    from = at;
  }
  return runs;
}

function lookOf(cell: HealthCell | null | undefined): string {
  if (cell === null || cell === undefined) return 'unknown';
  if (cell.passing === 0 && cell.other === 0) return 'none';
  if (cell.passing === 0) return 'bad';
  return cell.worst === 'passing' ? 'good' : 'mixed';
}

function timeOf(atMs: number): string {
  return clockOf(atMs, Date.now()).replace(/:\d\d$/, '');
}
