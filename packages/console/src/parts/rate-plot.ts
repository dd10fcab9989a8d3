/** Draws rates over time on a canvas, in the colours of the page. A program of its own, so that pages without a chart do not load it. */

import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clockOf } from '../live/time.ts';
import { colours } from './colours.ts';

/** Of the line. */
const spanSeconds = 300;

/** @param series times in seconds since the Unix epoch, requests a second, failures a second */
export function ratePlot(frame: HTMLElement, series: UPlot.AlignedData, height: number): UPlot {
  const { soft, line, accent, bad } = colours(frame, ['soft', 'line', 'accent', 'bad']);
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return new UPlot(
    {
      ...{ width: frame.clientWidth, height, legend: { show: false }, cursor: { show: false } },
      scales: { x: { range: (_plot, _min, max) => [max - spanSeconds, max] }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [{ ...axis, space: 80, values: (_plot, seconds) => seconds.map((at) => clockOf(at * 1_000, Date.now())) }, { ...axis, size: 46 }],
      series: [{}, { stroke: accent, width: 2, points: { show: false } }, { stroke: bad, width: 2, points: { show: false } }],
    },
    series,
    frame,
  );
}
