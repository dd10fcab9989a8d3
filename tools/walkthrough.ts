/**
 * Runs the commands of a document like a reader at several terminals. A block runs until it ends,
 * unless it says `until`: then it keeps running in its terminal while the next blocks run.
 *
 *   ```sh terminal=1 until="listening"     continues in the background once it has printed this
 *   ```sh prints="passing"                 ends with success and has printed this
 *   ```sh shows="1:gone"                   after it, terminal 1 prints this
 *
 * Readers of the rendered page do not see these words.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import type { Block } from './markdown.ts';

export interface Stage {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** A text of the document, and its replacement: ports that may be in use here. */
  readonly replace: Readonly<Record<string, string>>;
  /** Longest that a block may take to end, or to print what it should. */
  readonly timeoutMs: number;
  /** How to run the file of a block, by language; `$0` is the text itself. */
  readonly run: (block: Block, text: string) => readonly [command: string, ...args: string[]];
}

/**
 * Plays the blocks in order and stops everything that still runs.
 * @throws Error that names the block's line and shows what was printed
 */
export async function play(blocks: readonly Block[], stage: Stage): Promise<void> {
  const terminals = new Map<string, Running>();
  try {
    for (const block of blocks) await playBlock(block, stage, terminals);
  } finally {
    // The last started first, so that programs can deregister from the server.
    for (const running of [...terminals.values()].toReversed()) await running.stop();
  }
}

async function playBlock(block: Block, stage: Stage, terminals: Map<string, Running>): Promise<void> {
  const { terminal = '', until, prints, shows } = block.attributes;
  const text = typed(block.text, stage.replace);
  const fail = (what: string, output: string) =>
    new Error(`line ${block.line}: ${what}\n$ ${text}\n${output.slice(-4_000)}`);

  const [watched = '', awaited] = shows === undefined ? [] : shows.split(/:(.*)/s);
  const elsewhere = terminals.get(watched);
  if (shows !== undefined && elsewhere === undefined) throw fail(`no terminal ${watched} is running`, '');
  const from = elsewhere?.output.length ?? 0;

  const running = new Running(stage.run(block, text), stage);
  if (until === undefined) {
    const code = await running.ended(stage.timeoutMs);
    if (code !== 0) throw fail(`ended with ${code ?? `nothing after ${stage.timeoutMs} ms`}`, running.output);
    if (prints !== undefined && !running.output.includes(prints)) {
      throw fail(`did not print ${JSON.stringify(prints)}`, running.output);
    }
  } else {
    terminals.set(terminal, running);
    if (!(await running.printed(until, 0, stage.timeoutMs))) {
      throw fail(`did not print ${JSON.stringify(until)}`, running.output);
    }
  }
  if (awaited !== undefined && !(await elsewhere?.printed(awaited, from, stage.timeoutMs))) {
    throw fail(`terminal ${watched} did not print ${JSON.stringify(awaited)}`, elsewhere?.output ?? '');
  }
}

/** A text of the document as it is typed here. One pass: a replacement, such as port 28080, may contain the next text, such as 8080. */
export function typed(text: string, replace: Stage['replace']): string {
  const wanted = Object.keys(replace).map((from) => from.replaceAll(/[^\w]/g, String.raw`\$&`));
  if (wanted.length === 0) return text;
  return text.replaceAll(new RegExp(wanted.join('|'), 'g'), (from) => replace[from] ?? from);
}

/** A command with all of its child processes, and its output so far. */
class Running {
  output = '';
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #code: number | undefined;

  constructor([command, ...args]: readonly [string, ...string[]], { folder, env }: Stage) {
    // In a separate process group, so that it can be stopped with all of its child processes.
    this.#child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const onText = (text: string) => {
      this.output += text;
      this.#tell();
    };
    this.#child.stdout?.setEncoding('utf8').on('data', onText);
    this.#child.stderr?.setEncoding('utf8').on('data', onText);
    this.#child.on('error', (error) => onText(String(error)));
    this.#child.on('close', (code) => {
      this.#code = code ?? 1;
      this.#tell();
    });
  }

  /** The exit code; undefined when it did not end in time, and was stopped. */
  async ended(timeoutMs: number): Promise<number | undefined> {
    await this.#until(() => this.#code !== undefined, timeoutMs);
    const code = this.#code;
    if (code === undefined) await this.stop();
    return code;
  }

  /** Whether `text` appears in the output after `from`. */
  async printed(text: string, from: number, timeoutMs: number): Promise<boolean> {
    const seen = () => this.output.slice(from).includes(text);
    await this.#until(() => seen() || this.#code !== undefined, timeoutMs);
    return seen();
  }

  async stop(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      if (this.#code === undefined) this.#kill(signal);
      await this.#until(() => this.#code !== undefined, 10_000);
    }
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch (error) {
      // It has just ended, and its exit event has not arrived yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #until(condition: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (condition()) finish();
      };
      const finish = () => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#listeners.add(check);
      check();
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
