/**
 * Archives of a few small files, as every tar reads them: the ustar format of POSIX
 * (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format"). Writes only.
 */

export interface ArchivedFile {
  /** At most 100 bytes, with slashes. */
  readonly path: string;
  readonly content: Uint8Array;
}

const blockBytes = 512;

/** @param modifiedMs of all files, in milliseconds since 1970 */
export function tar(files: readonly ArchivedFile[], modifiedMs: number): Buffer {
  const blocks = files.flatMap(({ path, content }) => [
    header(path, content.length, modifiedMs),
    content,
    Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(path: string, bytes: number, modifiedMs: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long for an archive`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(path, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(bytes, 11), 124);
  block.write(octal(Math.floor(modifiedMs / 1_000), 11), 136);
  // The checksum counts its own place as spaces.
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\u0000 `, 148);
  return block;
}
