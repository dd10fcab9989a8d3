/**
 * Filters the rows of a list by the text of the filter box, which is in the address: plain words, of which each must be in one of the fields, or an
 * expression over the fields: `Status == critical and "v1" in Tags`. Expressions are those of the server (`packages/server/src/filter`), evaluated by
 * the same code, which is loaded with the first one.
 *
 *   const filter = filterRows<Instance>({ Id: (row) => row.id, Status: (row) => row.status, Tags: ['texts', (row) => row.tags] });
 *   const rows = createMemo(() => filter.rows(all()));
 *   <FilterBox label="Filter instances" filter={filter} />
 */

import { createEffect, createMemo, createSignal, type Accessor } from 'solid-js';
import { place } from '../place.ts';
import { hasWords, looksLikeExpression } from './filter-words.ts';

/** What a field has: one text, one number, a truth value, several texts, or texts by name. */
type Kind = 'text' | 'number' | 'boolean' | 'texts' | 'map';

/** A function alone reads a text. Names begin with a capital, as in the server's filters. */
export type Shape<T> = Readonly<Record<string, ((row: T) => string) | readonly [kind: Kind, read: (row: T) => unknown]>>;

export interface RowFilter<T> {
  /** The rows that match, in their order. While an expression has a fault, or its code is on its way, all of them. */
  readonly rows: (all: readonly T[]) => readonly T[];
  /** Changes when other rows are asked for, and when the code of the expression has come: rows that keep their places may move then (`TableProps.order`). */
  readonly order: Accessor<string>;
  /** What is wrong with the expression. */
  readonly fault: Accessor<string | undefined>;
  /** For completion. */
  readonly fields: readonly string[];
}

interface Field<T> {
  readonly name: string;
  readonly kind: Kind;
  readonly read: (row: T) => unknown;
}

export function filterRows<T extends object>(shape: Shape<T>): RowFilter<T> {
  const texts = new WeakMap<object, readonly string[]>();
  const fields = Object.entries(shape).map(([name, given]): Field<T> => (typeof given === 'function' ? { name, kind: 'text', read: given } : { name, kind: given[0], read: given[1] }));
  const text = createMemo(() => (place().query.get('filter') ?? '').trim());
  const isExpression = createMemo(() => looksLikeExpression(text(), fields.map(({ name }) => name)));
  // Not a resource: that would put the whole page away until it is loaded.
  const [code, setCode] = createSignal<typeof import('./filter-expression.ts') | Error>();
  createEffect(() => {
    if (!isExpression() || code() !== undefined) return;
    import('./filter-expression.ts').then(setCode, () => setCode(new Error('the code of filter expressions could not be loaded; load the page again')));
  });
  const [fault, setFault] = createSignal<string>();
  const compiled = createMemo(() => {
    const loaded = code();
    if (!isExpression() || loaded === undefined || loaded instanceof Error) return loaded instanceof Error ? loaded : undefined;
    return loaded.compileFor(fields, text());
  });
  createEffect(() => {
    const result = compiled();
    setFault(result instanceof Error ? result.message : undefined);
  });
  return {
    fields: fields.map(({ name }) => name),
    order: () => (isExpression() && code() === undefined ? '' : text()),
    fault,
    rows: (all) => {
      if (text() === '') return all;
      if (!isExpression()) return all.filter(hasWords(fields, text(), texts));
      const wants = compiled();
      if (wants === undefined || wants instanceof Error) return all;
      try {
        return all.filter(wants());
      } catch (error) {
        // Patterns that need too much work, on these rows.
        setFault(error instanceof Error ? error.message : String(error));
        return all;
      }
    },
  };
}
