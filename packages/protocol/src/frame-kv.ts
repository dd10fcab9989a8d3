/** The frames that write keys. Keys are read as views; `frame.ts` says what frames are. */

export interface KvPutFrame {
  readonly type: 'kv-put';
  readonly id: number;
  /** Absent: that of the hello. */
  readonly namespace?: string;
  readonly key: string;
  /** Base64 (RFC 4648 §4), padded. */
  readonly value: string;
  /** An unsigned 64-bit number in decimal digits. */
  readonly flags?: string;
  /** Write only if the key is at this revision; 0: only if it does not exist. */
  readonly cas?: number;
  /** For the audit log. */
  readonly reason?: string;
}

export interface KvDeleteFrame {
  readonly type: 'kv-delete';
  readonly id: number;
  /** Absent: that of the hello. */
  readonly namespace?: string;
  readonly key: string;
  /** Delete only if the key is at this revision. */
  readonly cas?: number;
  /** Delete every key that begins with `key`; not together with `cas`. */
  readonly recurse?: boolean;
  /** For the audit log. */
  readonly reason?: string;
}
