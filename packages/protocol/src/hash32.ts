/**
 * The hash function of all packages: maps a string to 32 bits, evenly spread, the same on every machine.
 * MurmurHash3 x86_32 (A. Appleby, public domain; github.com/aappleby/smhasher, MurmurHash3.cpp) over the
 * string's UTF-8 bytes, so that other languages get the same numbers. Nothing is allocated.
 *
 * Hashes are signed: V8 keeps every integer of 32 signed bits in a register or a tagged word, while one
 * of 2³¹ or more that passes through a call that is not inlined costs a heap number.
 *
 * It is not for secrets and does not withstand keys that an attacker chose to collide.
 */

const c1 = 0xcc9e2d51 | 0;
const c2 = 0x1b873593;

/**
 * @param key any string; half of a surrogate pair counts as U+FFFD, as in `TextEncoder`. O(length)
 * @param seed its lower 32 bits make another, independent hash
 * @returns an integer from −2³¹ to 2³¹ − 1; `hash >>> 0` is the unsigned one of other libraries
 */
export function hash32(key: string, seed = 0): number {
  const length = key.length;
  let hash = seed | 0;
  let at = 0;
  // Four ASCII characters at once: most keys have only these.
  for (; at + 4 <= length; at += 4) {
    const a = key.charCodeAt(at);
    const b = key.charCodeAt(at + 1);
    const c = key.charCodeAt(at + 2);
    const d = key.charCodeAt(at + 3);
    if ((a | b | c | d) > 0x7f) break;
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let bytes = at;
  let block = 0;
  for (; at < length; at++) {
    let code = key.charCodeAt(at);
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = at + 1 < length ? key.charCodeAt(at + 1) : 0;
      if (code <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        at += 1;
      } else {
        code = 0xfffd;
      }
    }
    // The UTF-8 bytes of the character, first byte lowest, in the order of little-endian memory.
    const width = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    const encoded = encode(code, width);
    for (let index = 0; index < width; index++) {
      block |= ((encoded >>> (8 * index)) & 0xff) << (8 * (bytes & 3));
      bytes += 1;
      if ((bytes & 3) !== 0) continue;
      hash = mixBlock(hash, block);
      block = 0;
    }
  }
  if ((bytes & 3) !== 0) hash ^= scramble(block);
  return mix32(hash ^ bytes);
}

/**
 * The finalizer of MurmurHash3 (fmix32): every bit of the input changes each bit of the result with a
 * chance of about a half. One-to-one.
 * @param value an integer; its lower 32 bits count
 * @returns an integer from −2³¹ to 2³¹ − 1
 */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function scramble(block: number): number {
  const product = Math.imul(block, c1);
  return Math.imul((product << 15) | (product >>> 17), c2);
}

function encode(code: number, width: number): number {
  if (width === 1) return code;
  const last = 0x80 | (code & 0x3f);
  if (width === 2) return (0xc0 | (code >> 6)) | (last << 8);
  const middle = 0x80 | ((code >> 6) & 0x3f);
  if (width === 3) return (0xe0 | (code >> 12)) | (middle << 8) | (last << 16);
  return (0xf0 | (code >> 18)) | ((0x80 | ((code >> 12) & 0x3f)) << 8) | (middle << 16) | (last << 24);
}
