/**
 * Requests and failures a second while the page is open: the last five minutes, in memory only. The drawing is loaded when it is first needed; what it
 * shows now is also said in words.
 */

import { createEffect, on, onCleanup, onMount, type JSX } from 'solid-js';
import type uPlot from 'uplot';
import { milliseconds, perSecond, type Rates } from '../live/client-list.ts';
import './rate-chart.css';

/** Points, one each second. */
const pointsMax = 300;
const pauseMs = 1_000;
const height = 120;

export function RateChart(props: { readonly label: string; readonly rates: Rates }): JSX.Element {
  let frame!: HTMLDivElement;
  const series: [number[], number[], number[]] = [[], [], []];
  let plot: uPlot | undefined;
  const add = (): void => {
    const { picksPerSecond, failuresPerSecond } = props.rates;
    [Date.now() / 1_000, picksPerSecond, failuresPerSecond].forEach((value, at) => {
      const line = series[at] as number[];
      line.push(value);
      if (line.length > pointsMax) line.shift();
    });
    plot?.setData(series);
  };
  // Another thing is shown: its line begins anew.
  createEffect(on(() => props.label, () => {
    for (const line of series) line.length = 0;
    add();
  }));
  onMount(() => {
    let isGone = false;
    const timer = setInterval(() => document.visibilityState === 'visible' && add(), pauseMs);
    const size = new ResizeObserver(() => plot?.setSize({ width: frame.clientWidth, height }));
    void import('./rate-plot.ts').then(({ ratePlot }) => {
      if (isGone) return;
      plot = ratePlot(frame, series, height);
      size.observe(frame);
    });
    onCleanup(() => {
      isGone = true;
      clearInterval(timer);
      size.disconnect();
      plot?.destroy();
    });
  });
  const words = (): string => {
    const { picksPerSecond, failuresPerSecond, meanMs, p99Ms } = props.rates;
    const times = [meanMs === undefined ? '' : `mean ${milliseconds(meanMs)}`, p99Ms === undefined ? '' : `p99 ${milliseconds(p99Ms)}`].filter((each) => each !== '');
    return [perSecond(picksPerSecond) || 'no requests', `${perSecond(failuresPerSecond) || 'no'} failures`, ...times].join(', ');
  };
  return (
    <figure class="rates">
      <figcaption>{words()}</figcaption>
      <div class="plot" role="img" aria-label={`${props.label} over the last five minutes: ${words()} now`} ref={frame} />
    </figure>
  );
}
