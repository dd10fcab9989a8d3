/**
 * The audit log as a file: appended to, synced after each batch, and checked when it is opened. A full disk takes a part of a batch;
 * that part is cut off, so that the chain goes on once there is room.
 */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { RegistryError } from '@rollcall/protocol';
import { chainStart, verifyAudit, type AuditSink, type ChainEnd } from './audit.ts';

export interface AuditFile extends AuditSink {
  /** The last line of the chain that the file has now. */
  readonly last: ChainEnd;
  close(): Promise<void>;
}

/**
 * Opens the log with access for its owner only, and continues the chain at its last line.
 * @throws RegistryError `invalid_argument` if the file cannot be opened; `data_loss` if a line breaks the chain, so that an
 *   operator examines the log before it grows. A last line that a crash cut short also breaks the chain
 */
export async function openAuditFile(path: string): Promise<AuditFile> {
  const file = await open(path, 'a', 0o600).catch((cause: Error) => {
    throw new RegistryError('invalid_argument', `the audit log ${path} cannot be opened: ${cause.message}`, { cause });
  });
  try {
    const { size } = await file.stat();
    const verdict = size === 0 ? { ok: true as const, end: chainStart } : await verifyAudit(linesOf(path));
    if (!verdict.ok) {
      const message = `the audit log ${path} was changed or cut short: line ${verdict.line}: ${verdict.problem}; move it away to start a new one`;
      throw new RegistryError('data_loss', message);
    }
    /** Of the whole lines: where the next batch begins. */
    let length = size;
    /** A failed batch may have left a part of itself behind `length`. */
    let isCut = false;
    const cutOff = async () => {
      await file.truncate(length);
      isCut = false;
    };
    return {
      last: verdict.end,
      async append(text) {
        if (isCut) await cutOff();
        const bytes = Buffer.from(text);
        try {
          await file.appendFile(bytes);
          await file.datasync();
          length += bytes.length;
        } catch (error) {
          isCut = true;
          // If it fails, the next batch tries it again before it writes.
          await cutOff().catch(() => {});
          throw error;
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The lines of a log, for `verifyAudit`. */
export function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}
