/** The order of a list with counts by status. It is in the address, so that a link shows the same order; the lists themselves sort. */

import type { JSX } from 'solid-js';
import { place, refine } from '../place.ts';

/** The order in the address; by name without one. */
export function sortOrder(): string {
  return place().query.get('sort') ?? 'name';
}

export function SortBox(): JSX.Element {
  return (
    <label>
      Sort by{' '}
      <select value={sortOrder()} onChange={(event) => refine({ sort: event.currentTarget.value === 'name' ? '' : event.currentTarget.value })}>
        <option value="name">name</option>
        <option value="trouble">trouble</option>
        <option value="size">size</option>
      </select>
    </label>
  );
}
