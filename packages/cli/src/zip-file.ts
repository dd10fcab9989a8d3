/**
 * Zips that a user gives: reading one from a file, and unpacking it. All sizes are checked before a byte is inflated. No name of an entry
 * becomes the name of a file.
 */

import { readFile, stat } from 'node:fs/promises';
import { unzipSync, type UnzipFileInfo } from 'fflate';
import { CommandFailure, exitCodes, fileProblem } from './failure.ts';

/** Largest archive, in bytes. */
export const archiveBytesMax = 67_108_864;
/** Bytes of all contents together, as they are in memory. */
export const contentsBytesMax = 268_435_456;
/** Deflate makes nothing longer than this; a longer entry hides more than its size says. */
const overheadMax = 1_024;

export interface ZipLimits {
  readonly filesMax: number;
  /** Of one entry, in bytes. */
  readonly bytesMax: (name: string) => number;
  /** Whether an entry counts in the bytes of all contents. */
  readonly isContent: (name: string) => boolean;
}

/** @throws CommandFailure `failure` */
export async function readZip(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size > archiveBytesMax) throw new Error(`${file} has ${size} bytes, the limit of an archive is ${archiveBytesMax}`);
    return await readFile(file);
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the archive: ${fileProblem(file, error)}`, { cause: error });
  }
}

/** @returns the entries by name @throws Error that says what is wrong with the archive */
export function unzipped(archive: Uint8Array, limits: ZipLimits): Readonly<Record<string, Uint8Array>> {
  return unzipSync(archive, { filter: sizeCheck(limits) });
}

/** Sees each entry of the directory of the zip before it is inflated. An entry never becomes longer than it says there. */
function sizeCheck({ filesMax, bytesMax, isContent }: ZipLimits): (entry: UnzipFileInfo) => boolean {
  let [files, bytes] = [0, 0];
  return ({ name, size, originalSize }) => {
    const max = bytesMax(name);
    if (originalSize > max) throw new Error(`${JSON.stringify(name.slice(0, 200))} has ${originalSize} bytes, the limit is ${max}`);
    if (size > originalSize + overheadMax) throw new Error(`${JSON.stringify(name.slice(0, 200))} has ${size} compressed bytes for ${originalSize}`);
    if (isContent(name)) bytes += originalSize;
    if (bytes > contentsBytesMax) throw new Error(`its contents have more than ${contentsBytesMax} bytes`);
    if (isContent(name) && ++files > filesMax) throw new Error(`it has more than ${filesMax} configurations`);
    return true;
  };
}
