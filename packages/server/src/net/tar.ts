/**
 * The blocks of a tar archive (POSIX.1-1988, "ustar Interchange Format"): regular files that their owner may read and write. It
 * writes headers; the contents come from the caller.
 *
 *   header ─ content ─ padding ─ header ─ content ─ padding ─ … ─ end
 */

export const tarBlockBytes = 512;

/**
 * @param name at most 100 bytes, with slashes
 * @param bytes of the content
 * @param modifiedMs in milliseconds since the Unix epoch
 * @throws RangeError for a longer name
 */
export function tarHeader(name: string, bytes: number, modifiedMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long for an archive`);
  const block = Buffer.alloc(tarBlockBytes);
  const octal = (value: number, at: number, digits: number) => block.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  block.write(name, 0);
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  writeSize(block, bytes);
  octal(Math.floor(modifiedMs / 1_000), 136, 11);
  // The checksum counts its own place as spaces; `0` is a regular file.
  block.write('        0', 148);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** What fills the last block of a content of so many bytes. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes);
}

/** The end of an archive: two blocks of zeros. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * tarBlockBytes);
}

/** Eleven octal digits reach to 8 GiB; beyond that the number is binary, which GNU's, BSD's and Go's readers know. */
function writeSize(block: Buffer, size: number): void {
  const text = size.toString(8);
  if (text.length <= 11) {
    block.write(`${text.padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
