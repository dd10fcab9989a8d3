/** Joins encoded parts of messages without encoding them again (https://protobuf.dev/programming-guides/encoding/#length-types). */

/** @returns the bytes of a field whose value is the parts, one behind the other */
export function lengthDelimited(field: number, parts: readonly Buffer[]): readonly Buffer[] {
  let length = 0;
  for (const part of parts) length += part.length;
  return [head(field, length), ...parts];
}

/** The tag of a field and its length. */
function head(field: number, length: number): Buffer {
  const bytes: number[] = [];
  for (const value of [field * 8 + 2, length]) {
    let left = value;
    while (left > 127) {
      bytes.push((left % 128) + 128);
      left = Math.floor(left / 128);
    }
    bytes.push(left);
  }
  return Buffer.from(bytes);
}
