/** The input of every command. */

import type { Terminal } from './terminal.ts';

export interface CommandContext {
  readonly terminal: Terminal;
  /** For a command that ends with the exit code of the program that it ran; 0 when never called. */
  readonly setExitCode: (code: number) => void;
}
