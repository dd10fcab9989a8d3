/** How a client proves that a session is its own. */

/** Proof of being the same client process as before. */
export interface SessionKey {
  /** A UUID, which every caller may see. */
  readonly id: string;
  /** 32 to 128 letters, digits and dashes from a secure source; seen by the registry only. */
  readonly token: string;
}
