/**
 * Adds up the metrics of several processes, series by series: counters and histograms as sums, gauges as each of them says
 * (`aggregator`). A process that has ended keeps its place with its counters and histograms, so that no total goes back.
 */

import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client';

/** The metrics of one process, as `registry.getMetricsAsJSON` gives them. */
export type Values = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Ended processes that are kept apart, in case that one was only out of reach. */
const endedMax = 32;

export class AddedUp {
  /** The last values of each process, by its id. */
  readonly #last = new Map<string, Values>();
  /** Of processes that ended long ago, together. */
  #ended: Values = [];

  /**
   * @param present the values of the processes that run, by their ids; undefined for one that has not answered: its last ones stand
   * @returns the text of a scrape
   */
  async page(present: ReadonlyMap<string, Values | undefined>): Promise<string> {
    for (const [id, values] of present) if (values !== undefined) this.#last.set(id, values);
    const kept: Values[] = [this.#ended];
    for (const [id, values] of this.#last) kept.push(present.has(id) ? values : values.filter(isTotal));
    await this.#forget(present);
    return AggregatorRegistry.aggregate(kept).metrics();
  }

  async #forget(present: ReadonlyMap<string, unknown>): Promise<void> {
    const ended = [...this.#last.keys()].filter((id) => !present.has(id));
    for (const id of ended.slice(0, Math.max(0, ended.length - endedMax))) {
      const totals = (this.#last.get(id) ?? []).filter(isTotal);
      this.#last.delete(id);
      this.#ended = await AggregatorRegistry.aggregate([this.#ended, totals]).getMetricsAsJSON();
    }
  }
}

function isTotal({ type }: Values[number]): boolean {
  // prom-client's types say enum; its values are these texts.
  return ['counter', 'histogram'].includes(String(type));
}
