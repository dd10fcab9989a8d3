/** One entry of a table of settings: its sources, its meaning, and how its value is read. */

export interface Setting<T> {
  /** Absent for lists, objects, and secrets: every user sees command lines. */
  readonly flag?: string;
  /** Absent if the environment cannot set it. */
  readonly env?: string;
  readonly description: string;
  /** In the form of text: it is read like a given value. */
  readonly fallback: string | boolean | undefined;
  /**
   * @param value text from the command line or the environment, anything from a configuration file
   * @param folder the folder of relative paths
   * @throws Error whose message completes `<where>: `
   */
  readonly read: (value: unknown, folder: string) => T;
}
