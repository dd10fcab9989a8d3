/** Types of java-program.mjs, which is plain JavaScript since benchmarks run it without a build. */

import type { Built } from './built-once.mjs';

export interface JavaProgram {
  readonly pid: number;
  /** The end of its output so far. */
  said(): string;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL, as in a crash; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface JavaOptions {
  readonly args: readonly string[];
  /** Answers with a 2xx when the program has started. One of this and `ready` must be given. */
  readonly readyUrl?: string;
  /** Resolves with whether the program has started. */
  readonly ready?: () => Promise<boolean>;
  /** The largest heap; 256 by default. */
  readonly heapMb?: number;
  /** A command that runs the rest of its arguments, such as `['taskset', '-c', '1']`. The program then runs with Java's own defaults. */
  readonly command?: readonly string[];
}

export function buildJava(source: string, name: string, profiles?: readonly string[]): Built;
export function startJava(jar: string, options: JavaOptions): Promise<JavaProgram>;
/** Runs a program to its end; `output` is what it wrote to stdout. */
export function runJava(jar: string, args: readonly string[], options?: { readonly heapMb?: number }): Promise<{ readonly code: number | null; readonly output: string }>;
