/**
 * A TCP proxy that breaks connections as networks do. Every connection of a deployment goes through one: those of clients to nodes, and
 * those of nodes to the store. It has the faults of toxiproxy, and links that end on one side only.
 */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { reset } from './reset.ts';

/** The fault of one direction. */
export interface Lane {
  /** No byte is delivered until the lane is healed; then all are, as TCP repeats them. */
  readonly blocked?: boolean;
  /** Delay of each piece, in milliseconds. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  /** Size of the pieces in which bytes are delivered, each in a separate turn. */
  readonly sliceBytes?: number;
}

export interface LinkFault {
  /** From the side that connects to the target. */
  readonly up?: Lane;
  /** From the target to the side that connects. */
  readonly down?: Lane;
  /** New connections are reset at once. */
  readonly refused?: boolean;
}

export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Applies to open connections and to new ones, until the next call. */
  set(fault: LinkFault): void;
  /** As `set({})`. */
  heal(): void;
  /** Resets every open connection, on both sides. */
  cut(): void;
  /** Closes the target's side of every open connection, and leaves the other side open and silent. */
  halfOpen(): void;
  /**
   * Resets the near side of every open connection. The target's side stays open and silent, as for a process that is frozen.
   * @returns resets the target's side, too
   */
  cutNear(): () => void;
  close(): Promise<void>;
}

/** @param target of the connections; read for each one, since the target may move */
export async function faultProxy(target: () => { readonly host: string; readonly port: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const orphans = new Set<Socket>();
  let fault: LinkFault = {};
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    near.on('error', () => {});
    if (fault.refused === true) {
      reset(near);
      return;
    }
    accepted++;
    const pair = new Pair(near, connect({ ...target(), allowHalfOpen: true, noDelay: true }), () => pairs.delete(pair));
    pair.set(fault);
    pairs.add(pair);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const set = (next: LinkFault): void => {
    fault = next;
    for (const pair of pairs) pair.set(next);
  };
  const cut = (): void => {
    for (const pair of [...pairs]) pair.cut();
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    get open() {
      return pairs.size;
    },
    set,
    heal: () => set({}),
    cut,
    halfOpen() {
      for (const pair of [...pairs]) {
        const near = pair.orphan();
        orphans.add(near);
        near.on('close', () => orphans.delete(near));
      }
    },
    cutNear() {
      const kept = [...pairs].map((pair) => pair.cutNear());
      for (const far of kept) {
        orphans.add(far);
        far.on('close', () => orphans.delete(far));
      }
      return () => {
        for (const far of kept) reset(far);
      };
    },
    async close() {
      cut();
      for (const socket of orphans) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Both sides of one connection. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #ended: () => void;

  constructor(near: Socket, far: Socket, ended: () => void) {
    this.#near = near;
    this.#far = far;
    this.#ended = ended;
    this.#up = new Pipe(near, far);
    this.#down = new Pipe(far, near);
    far.on('error', () => reset(near));
    near.on('close', () => this.#close(far));
    far.on('close', () => this.#close(near));
  }

  set({ up = {}, down = {} }: LinkFault): void {
    this.#up.set(up);
    this.#down.set(down);
  }

  cut(): void {
    this.#ended();
    reset(this.#near);
    reset(this.#far);
  }

  /** @returns the target's side, which stays open */
  cutNear(): Socket {
    this.#ended();
    this.#up.stop();
    this.#down.stop();
    this.#near.removeAllListeners('close');
    this.#far.removeAllListeners('error').on('error', () => {});
    reset(this.#near);
    this.#far.resume();
    return this.#far;
  }

  /** @returns the near side, which stays open */
  orphan(): Socket {
    this.#ended();
    this.#up.stop();
    this.#down.stop();
    this.#far.removeAllListeners('close').removeAllListeners('error').on('error', () => {});
    this.#near.removeAllListeners('close');
    this.#far.destroy();
    this.#near.resume();
    return this.#near;
  }

  /** Bytes in a blocked lane are lost with the connection. */
  #close(other: Socket): void {
    this.#ended();
    if (!other.destroyed) other.destroySoon();
  }
}

/** Most bytes that wait in one lane; the sender of more must wait. */
const waitingBytesMax = 1_048_576;

/** One direction of a connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  #lane: Lane = {};
  /** Pieces with the time at which each may go; null is the end. */
  #waiting: { readonly data: Buffer | null; readonly due: number }[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on('data', (data: Buffer) => this.#take(data));
    from.on('end', () => this.#take(null));
    to.on('drain', () => this.#flush());
    to.on('connect', () => this.#flush());
  }

  set(lane: Lane): void {
    this.#lane = lane;
    this.#flush();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
    clearTimeout(this.#timer);
  }

  #take(data: Buffer | null): void {
    if (this.#stopped) return;
    const due = performance.now() + (this.#lane.delayMs ?? 0);
    const { sliceBytes } = this.#lane;
    if (data === null || sliceBytes === undefined) this.#waiting.push({ data, due });
    else for (let at = 0; at < data.length; at += sliceBytes) this.#waiting.push({ data: data.subarray(at, at + sliceBytes), due });
    this.#waitingBytes += data?.length ?? 0;
    if (this.#waitingBytes > waitingBytesMax) this.#from.pause();
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#stopped && this.#lane.blocked !== true && !this.#to.connecting && !this.#to.destroyed) {
      const first = this.#waiting[0];
      if (first === undefined || (first.data !== null && this.#to.writableNeedDrain)) return;
      const { sliceBytes, bytesPerSecond } = this.#lane;
      const wait = first.due - performance.now();
      if (wait > 0) return this.#later(wait);
      this.#waiting.shift();
      if (first.data === null) {
        this.#to.end();
        return;
      }
      this.#waitingBytes -= first.data.length;
      if (this.#from.isPaused() && this.#waitingBytes < waitingBytesMax / 2) this.#from.resume();
      this.#to.write(first.data);
      if (bytesPerSecond !== undefined) return this.#later((first.data.length * 1_000) / bytesPerSecond);
      if (sliceBytes !== undefined) return this.#later(0);
    }
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.#flush(), ms);
    this.#timer.unref();
  }
}
