/**
 * The history of earlier runs, as it goes on in this one: what a crash cut off is made of the store's log, and a history that does not lead up to
 * the store is removed.
 */

import type { Logger } from 'pino';
import type { HistoryFiles } from './files.ts';
import { gapOf, type Overwritten } from './gap.ts';
import type { Point, Segment } from './segment.ts';

export interface StoreLog {
  readonly log: Pick<Logger, 'warn'>;
  /** As in `HistoryOptions`. */
  readonly overwritten?: (after: number) => Promise<readonly Overwritten[] | undefined> | undefined;
}

/**
 * @param base where this run has begun
 * @returns the oldest first; none when there is nothing, or it cannot be used
 */
export async function earlierSegments(files: HistoryFiles, base: Point, segmentBytes: number, { log, overwritten }: StoreLog): Promise<readonly Segment[]> {
  try {
    const earlier = await files.load(segmentBytes);
    const last = earlier.at(-1)?.last;
    if (last === undefined || last.revision === base.revision) return earlier;
    const gap = last.revision < base.revision ? gapOf(await overwritten?.(last.revision), last, base) : undefined;
    if (gap !== undefined) {
      gap.isComplete = true;
      return [...earlier, gap];
    }
    log.warn({ revision: last.revision, store: base.revision }, 'the history of earlier runs does not lead up to the store, so it begins anew');
    for (const segment of earlier) files.remove(segment);
  } catch (err) {
    log.warn({ err }, 'the history of earlier runs cannot be read, so it begins anew');
  }
  return [];
}
