/** One simulation with several seeds, and the report of the results: means with intervals, and tables. */

import { simulate } from './cluster.mjs';

/** Student's t for 95 % of both sides, by the number of seeds. */
const quantiles = { 2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262 };

/** @returns one result for each seed */
export async function repeat(model, policy, seeds) {
  const results = [];
  for (let seed = 1; seed <= seeds; seed++) results.push(await simulate(model, policy, seed));
  return results;
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Half the 95 % interval of the mean; Student's t, so for a few seeds it is wide. */
export function halfInterval(values) {
  const count = values.length;
  if (count < 2) return Number.NaN;
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (count - 1);
  return (quantiles[count] ?? 2) * Math.sqrt(variance / count);
}

/** `365 ± 12` */
export const withInterval = (values, digits = 0) => `${mean(values).toFixed(digits)} ± ${halfInterval(values).toFixed(digits)}`;

export const percent = (values, digits = 2) => `${(100 * mean(values)).toFixed(digits)} %`;

export const percentWithInterval = (values, digits = 2) => `${withInterval(values.map((value) => 100 * value), digits)} %`;

/** A Markdown table. */
export function table(head, rows) {
  return [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
