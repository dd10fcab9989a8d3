/** What the history has lost because the disk took no writes: its oldest part, before it was too old. */

export interface Loss {
  /** When the newest part of it was dropped. */
  readonly atMs: number;
  /** Of all losses of this run. */
  readonly bytes: number;
}
