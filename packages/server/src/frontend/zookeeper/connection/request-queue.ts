/**
 * The requests of one client in their order, and their answers in the same order. Writes are submitted one behind the other without a wait, since
 * the registry decides them in this order; a read waits for the writes before it, and is then answered from the state.
 *
 *   push ─► queue ─► read     once no write is under way
 *                └─► write    at once; its answer behind those of the writes before it
 */

import { errorCodes, xids, type OpName } from '../../../jute/codes.ts';
import { encodeError, encodeReply, encodeReplyHead } from '../../../jute/replies.ts';
import { readRequest, type ReadHeader, type RequestBody } from '../../../jute/requests.ts';
import { outstandingMax, requestsPerTurn } from '../limits.ts';
import { EncodedBody, type Call, type Read, type Write } from '../requests/request.ts';
import { requestTable } from '../requests/table.ts';

export interface RequestQueueOptions {
  readonly call: Call;
  /** Whether the client reads more slowly than it is sent to; then its requests wait. */
  readonly isFull: () => boolean;
  /** Whether events have to wait for the answer that comes next, since it shows an older state. */
  readonly holdEvents: (holds: boolean) => void;
  /** Sends an answer, behind the events that wait, unless they are held. */
  readonly send: (answer: Buffer) => void;
  /** The number of an error; undefined when the connection was ended instead. */
  readonly codeOf: (op: OpName, error: unknown) => number | undefined;
  /** An answer without an error is on its way. */
  readonly onAnswer: (op: OpName, body: object, isWrite: boolean) => void;
  /** A request was answered. @param ms since it arrived */
  readonly onDone: (ms: number) => void;
  /** A request was refused because of its proof: the connection ends behind the answer. */
  readonly onUnproved: () => void;
  /** There is room for further requests. */
  readonly onRoom: () => void;
  /** All writes that were submitted are answered. */
  readonly onWritten: () => void;
}

/** A write that was submitted; `reply` once it is done. */
interface Submitted {
  readonly arrivedMs: number;
  reply: (() => Buffer) | undefined;
}

type Body = RequestBody<'create'>;
type AnyRead = Read<'create'>;
type AnyWrite = Write<'create'>;

interface Arrived<E> {
  readonly entry: E;
  readonly arrivedMs: number;
}

export class RequestQueue {
  readonly #options: RequestQueueOptions;
  readonly #queue: (readonly [request: ReadHeader, arrivedMs: number])[] = [];
  readonly #writes: Submitted[] = [];
  #isBusy = false;
  #isScheduled = false;
  #isOver = false;

  constructor(options: RequestQueueOptions) {
    this.#options = options;
  }

  /** Requests that wait or are under way. */
  get size(): number {
    return this.#queue.length + this.#writes.length;
  }

  get isWriting(): boolean {
    return this.#writes.length > 0;
  }

  get hasRoom(): boolean {
    return !this.#isOver && this.size < outstandingMax && !this.#options.isFull();
  }

  push(request: ReadHeader): void {
    this.#queue.push([request, this.#nowMs]);
    this.proceed();
  }

  /** Nothing more is answered; writes that were submitted take effect nevertheless. */
  close(): void {
    this.#isOver = true;
    this.#queue.length = 0;
  }

  /** Works on requests until one has to wait. */
  proceed(): void {
    let left = requestsPerTurn;
    while (!this.#isOver && !this.#isBusy && !this.#options.isFull()) {
      const [next] = this.#queue;
      if (next === undefined) break;
      const [request, arrivedMs] = next;
      const isWrite = request.op !== undefined && requestTable[request.op].kind === 'write';
      if (!isWrite && this.isWriting) break;
      if (left-- === 0) {
        this.#schedule();
        return;
      }
      this.#queue.shift();
      this.#begin(request, arrivedMs);
    }
    if (this.hasRoom) this.#options.onRoom();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.proceed();
    });
  }

  #begin({ xid, op, input }: ReadHeader, arrivedMs: number): void {
    if (op === undefined) {
      this.#options.send(encodeError(xid, this.#zxid, errorCodes.unimplemented));
      return;
    }
    try {
      const { body } = readRequest(op, input) as { readonly body: Body };
      const entry = requestTable[op] as AnyRead | AnyWrite;
      if (entry.kind === 'write') this.#submit(xid, op, body, { entry, arrivedMs });
      else this.#read(xid, op, body, { entry, arrivedMs });
    } catch (error) {
      this.#fail(xid, op, error);
    }
  }

  #read(xid: number, op: OpName, body: Body, { entry, arrivedMs }: Arrived<AnyRead>): void {
    const { zxid } = this.#options.call.tree;
    const answer = entry.run(this.#options.call, body);
    if (!(answer instanceof Promise)) {
      this.#answer(xid, zxid, op, answer);
      this.#options.onAnswer(op, body, false);
      this.#options.onDone(this.#nowMs - arrivedMs);
      return;
    }
    const holds = entry.holdsEvents === true;
    if (holds) this.#options.holdEvents(true);
    this.#isBusy = true;
    answer
      .then((later) => {
        if (this.#isOver) return;
        this.#answer(xid, holds ? zxid : this.#zxid, op, later);
        this.#options.onAnswer(op, body, false);
        this.#options.onDone(this.#nowMs - arrivedMs);
      })
      .catch((error: unknown) => this.#fail(xid, op, error))
      .finally(() => {
        this.#isBusy = false;
        if (holds) this.#options.holdEvents(false);
        this.proceed();
      });
  }

  #submit(xid: number, op: OpName, body: Body, { entry, arrivedMs }: Arrived<AnyWrite>): void {
    const command = entry.command(this.#options.call, body);
    const submitted: Submitted = { reply: undefined, arrivedMs };
    this.#writes.push(submitted);
    this.#options.call.context.registry.submit(command).then(
      (result) => {
        const answer = entry.answer(result, body);
        this.#options.onAnswer(op, body, true);
        this.#settle(submitted, () => encodeReply(xid, this.#zxid, op, answer as never));
      },
      (error: unknown) => {
        const code = this.#options.codeOf(op, error);
        if (code !== undefined) this.#settle(submitted, () => encodeError(xid, this.#zxid, code));
      },
    );
  }

  /** Answers the writes that are done, in the order of the requests. */
  #settle(submitted: Submitted, reply: () => Buffer): void {
    submitted.reply = reply;
    while (this.#writes[0]?.reply !== undefined) {
      const next = this.#writes.shift() as Required<Submitted>;
      if (!this.#isOver) this.#options.send((next.reply as () => Buffer)());
      this.#options.onDone(this.#nowMs - next.arrivedMs);
    }
    if (this.#writes.length === 0) this.#options.onWritten();
    this.proceed();
  }

  #answer(xid: number, zxid: number, op: OpName, answer: object): void {
    const { send } = this.#options;
    if (answer instanceof EncodedBody) {
      send(encodeReplyHead(xid, zxid, answer.bytes.length));
      send(answer.bytes);
    } else {
      send(encodeReply(op === 'ping' ? xids.ping : xid, op === 'auth' ? 0 : zxid, op, answer as never));
    }
  }

  #fail(xid: number, op: OpName, error: unknown): void {
    const code = this.#options.codeOf(op, error);
    if (code === undefined) return;
    const isProof = op === 'auth' || op === 'sasl';
    this.#options.send(encodeError(xid, isProof ? 0 : this.#zxid, code));
    // A client that failed to authenticate does not go on (`ZooKeeperServer.processPacket`).
    if (isProof) this.#options.onUnproved();
  }

  get #nowMs(): number {
    return this.#options.call.context.clock.monotonic();
  }

  get #zxid(): number {
    return this.#options.call.tree.zxid;
  }
}
