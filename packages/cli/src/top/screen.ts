/**
 * The whole terminal, for as long as a command needs it: the other screen, no cursor, keys as they are typed. It draws a picture over the last one, without
 * clearing it first, so nothing flickers; and it gives the terminal back however the process ends, unless that is killed.
 */

import type { EventEmitter } from 'node:events';
import type { Terminal } from '../terminal.ts';

/** XTerm's control sequences: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const endOfLine = '\x1b[K';
const endOfScreen = '\x1b[J';
/** A terminal that knows these shows a picture at once (https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036). */
const together = ['\x1b[?2026h', '\x1b[?2026l'] as const;

/** A process that a signal stops is stopped within this time. */
const stopMs = 100;

export interface ScreenOptions {
  readonly terminal: Terminal;
  readonly onKey: (key: string) => void;
  /** The terminal has another size, or its content is lost. */
  readonly onRedraw: () => void;
}

export class Screen {
  readonly #options: ScreenOptions;
  readonly #ends: (() => void)[] = [];
  #isOpen = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  get size(): { readonly columns: number; readonly lines: number } {
    const { columns, rows } = this.#options.terminal.stdout;
    return { columns: columns || 80, lines: rows || 24 };
  }

  open(): void {
    const { terminal: { stdin, stdout }, onKey, onRedraw } = this.#options;
    const listen = (target: EventEmitter, name: string, run: Parameters<EventEmitter['on']>[1]): void => {
      target.on(name, run);
      this.#ends.push(() => target.off(name, run));
    };
    this.#take();
    listen(process, 'exit', () => this.#give());
    listen(process, 'SIGCONT', () => this.#retake());
    listen(stdout, 'resize', onRedraw);
    listen(stdin, 'data', (bytes: Buffer) => {
      for (const key of keysIn(bytes.toString())) {
        if (key === '\x1a') this.#suspend();
        else onKey(key);
      }
    });
    stdin.resume();
  }

  draw(lines: readonly string[]): void {
    const [begin, end] = together;
    if (this.#isOpen) this.#options.terminal.stdout.write(`${begin}${home}${lines.map((line) => `${line}${endOfLine}`).join('\r\n')}${endOfScreen}${end}`);
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#give();
    this.#options.terminal.stdin.pause();
  }

  #take(): void {
    const { stdin, stdout } = this.#options.terminal;
    stdin.setRawMode?.(true);
    stdout.write(enter);
    this.#isOpen = true;
  }

  #give(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { stdin, stdout } = this.#options.terminal;
    stdout.write(leave);
    stdin.setRawMode?.(false);
  }

  #retake(): void {
    if (!this.#isOpen) this.#take();
    this.#options.onRedraw();
  }

  /** Ctrl-Z: the shell gets the terminal, until it continues this process. Without a shell that could, the process is not stopped (POSIX, orphaned process groups). */
  #suspend(): void {
    this.#give();
    process.kill(process.pid, 'SIGTSTP');
    const timer = setTimeout(() => this.#retake(), stopMs);
    this.#ends.push(() => clearTimeout(timer));
  }
}

/** A sequence of an arrow is one key. */
function keysIn(text: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- keys are control characters
  return text.match(/\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|[\s\S]/gu) ?? [];
}
