/** Pages of lists: `pageNo` and `pageSize`. */

import type { Params } from '../request/params.ts';

export interface Page {
  readonly number: number;
  readonly size: number;
}

/** @param most entries of a page @throws RegistryError `invalid_argument` */
export function readPage(params: Params, usual = 10, most = 500): Page {
  return { number: params.wholeNumber('pageNo', 1, 1, Number.MAX_SAFE_INTEGER), size: params.wholeNumber('pageSize', usual, 1, most) };
}

export function onPage<T>(all: readonly T[], { number, size }: Page): readonly T[] {
  return all.slice((number - 1) * size, number * size);
}

/** A page as Nacos has it in most places. */
export function paged(count: number, { number, size }: Page, pageItems: readonly unknown[]): object {
  return { totalCount: count, pageNumber: number, pagesAvailable: Math.ceil(count / size), pageItems };
}
