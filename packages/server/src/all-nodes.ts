/**
 * One question to all nodes of the store: this node asks all others, and names those that have not answered. A node that follows another one asks
 * that one, which is connected to all. What a node itself knows, and how answers are joined, is the business of the subject (`Subject`).
 */

import type { Clock } from './clock.ts';
import type { Methods } from './cluster/channel/peer.ts';

/** A node that has not answered within this time is named as missing. */
const answerMs = 2_000;

/** Another node, and the way to ask it. */
export interface OtherNode {
  readonly name: string;
  call(method: string, body: Buffer): Promise<Buffer>;
}

export interface NodesOptions {
  readonly clock: Clock;
  /** The node that this one follows; undefined for none. */
  readonly primary: OtherNode | undefined;
  /** All other nodes of the store, each once. */
  readonly others: () => Iterable<OtherNode>;
}

/** What every answer says. */
interface Answer {
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

/** What is asked about. */
export interface Subject<Q, A extends Answer> {
  /** Method of the channel that says what one node knows itself. */
  readonly own: string;
  /** Method that says what all nodes know. */
  readonly all: string;
  /** What this node knows itself. */
  readonly ask: (question: Q) => Promise<A>;
  readonly join: (answers: readonly A[], question: Q) => A;
  /** The answer of a node that has not answered. */
  readonly nothing: A;
  readonly encode: (answer: A) => Buffer;
  readonly decode: (body: Buffer) => A;
  /** Checks a question of another node. */
  readonly question: (body: Readonly<Record<string, unknown>>) => Q;
}

export interface AllNodes<Q, A> {
  ask(question: Q): Promise<A>;
  /** The requests that other nodes may make. */
  readonly methods: Methods;
}

export function allNodes<Q extends object, A extends Answer>({ clock, primary, others }: NodesOptions, subject: Subject<Q, A>): AllNodes<Q, A> {
  async function asked(node: OtherNode, method: string, question: Q): Promise<A> {
    const nothing: A = { ...subject.nothing, missing: [node.name] };
    let cancel = () => {};
    const late = new Promise<A>((resolve) => (cancel = clock.timer(answerMs, () => resolve(nothing))));
    // A node of an older version refuses the request.
    const answer = node.call(method, Buffer.from(JSON.stringify(question))).then((body) => subject.decode(body)).catch(() => nothing);
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  async function ask(question: Q): Promise<A> {
    if (primary !== undefined) {
      const all = await asked(primary, subject.all, question);
      return all.missing.includes(primary.name) ? subject.join([await subject.ask(question), all], question) : all;
    }
    const answers = [subject.ask(question), ...Array.from(others(), (node) => asked(node, subject.own, question))];
    return subject.join(await Promise.all(answers), question);
  }

  const questionIn = (body: Buffer) => subject.question(JSON.parse(body.toString()) as Readonly<Record<string, unknown>>);
  return {
    ask,
    methods: {
      [subject.own]: { kind: 'answer', run: async (body) => subject.encode(await subject.ask(questionIn(body))) },
      [subject.all]: { kind: 'answer', run: async (body) => subject.encode(await ask(questionIn(body))) },
    },
  };
}
