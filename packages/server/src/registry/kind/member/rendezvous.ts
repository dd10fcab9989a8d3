/**
 * Rendezvous hashing: of all members, the one with the highest score for a key owns it. When a member comes or goes, only the keys
 * that it gets or had change their owner. Source: Thaler, Ravishankar, "A name-based mapping scheme for rendezvous", 1996.
 *
 * Scores have 32 bits and are made of two hashes: one of the key, one of the member's id. Finding an owner costs the hash of the key
 * and a few nanoseconds for each member; nothing is allocated.
 */

/** FNV-1a over the code units of a text, then mixed. 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the bits of the output. */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

export class Rendezvous {
  /** In order, so that equal scores have the same winner on every node. */
  readonly #ids: readonly string[];
  readonly #seeds: Uint32Array;

  /** @param ids of the members, in any order */
  constructor(ids: Iterable<string>) {
    this.#ids = [...ids].sort();
    this.#seeds = Uint32Array.from(this.#ids, hashText);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** The id of the owner; undefined when there are no members. */
  ownerOf(key: string): string | undefined {
    return this.ownerOfHash(hashText(key));
  }

  /** The same for a key that is hashed already. @param hash `hashText` of the key */
  ownerOfHash(hash: number): string | undefined {
    let best = -1;
    let owner = -1;
    for (let at = 0; at < this.#seeds.length; at++) {
      const score = mix(hash ^ (this.#seeds[at] as number));
      if (score <= best) continue;
      best = score;
      owner = at;
    }
    return this.#ids[owner];
  }
}
