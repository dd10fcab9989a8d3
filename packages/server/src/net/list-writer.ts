/** Gathers the text and bytes of a long body in buffers of a size that a socket takes well, and counts their memory. */

import type { MemoryShare } from './answer-memory.ts';

const bufferBytes = 65_536;

export class ListWriter {
  readonly #share: MemoryShare | undefined;
  readonly #buffers: Buffer[] = [];
  #small: Buffer[] = [];
  #smallBytes = 0;
  #text = '';

  constructor(share?: MemoryShare) {
    this.#share = share;
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= bufferBytes) this.#endText();
  }

  append(buffers: readonly Buffer[]): void {
    this.#endText();
    for (const buffer of buffers) this.#add(buffer);
  }

  finish(): readonly Buffer[] {
    this.#endText();
    this.#flush();
    return this.#buffers;
  }

  #endText(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#add(Buffer.from(text));
  }

  #add(buffer: Buffer): void {
    this.#share?.take(buffer.length);
    if (buffer.length >= bufferBytes / 2) {
      this.#flush();
      this.#buffers.push(buffer);
      return;
    }
    this.#small.push(buffer);
    this.#smallBytes += buffer.length;
    if (this.#smallBytes >= bufferBytes) this.#flush();
  }

  #flush(): void {
    const [only, ...more] = this.#small;
    if (only === undefined) return;
    this.#buffers.push(more.length === 0 ? only : Buffer.concat(this.#small, this.#smallBytes));
    this.#small = [];
    this.#smallBytes = 0;
  }
}
