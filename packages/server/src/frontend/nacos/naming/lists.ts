/**
 * Answers queries for the instances of a service. A list is encoded once for each revision and selection, and the same bytes
 * go to all callers that may see all of it; requests that come while it is encoded wait for it.
 */

import { MemoryShare, type AnswerMemory } from '../../../net/answer-memory.ts';
import { Body } from '../../../net/answers.ts';
import type { Context } from '../../../net/frontend.ts';
import { SharedWork } from '../../../net/shared-work.ts';
import type { Turns, Work } from '../../../net/turns.ts';
import { serviceView } from '../../../registry/kind/catalog/views.ts';
import type { Authorizer } from '../../../security/authorizer.ts';
import { grouped, toService } from '../names.ts';
import { revisionOf, selecting, serviceInfo, type Selection } from '../service-info.ts';

/** `info`: a `ServiceInfo`. `hosts`: its hosts only, as the third version of the API has it. */
export type Shape = 'info' | 'hosts';

interface Wanted {
  readonly selection: Selection;
  readonly shape: Shape;
  readonly authorizer: Authorizer;
  readonly view: string;
  /** Names the bytes among those of the view. */
  readonly name: string;
}

/** Reading and encoding an instance. */
const unitsPerInstance = 6;
const chunkLength = 65_536;

export class Lists {
  readonly #context: Context;
  readonly #turns: Turns;
  readonly #memory: AnswerMemory;
  readonly #shared: SharedWork<Body>;
  /** Numbers for the permissions of callers who may not read every node. */
  readonly #viewers = new WeakMap<Authorizer, number>();
  #viewerCount = 0;

  constructor(context: Context, turns: Turns, memory: AnswerMemory) {
    this.#context = context;
    this.#turns = turns;
    this.#memory = memory;
    this.#shared = new SharedWork(turns);
  }

  /** @returns JSON of the list; a promise only if it has to be encoded in several turns */
  read(selection: Selection, shape: Shape, authorizer: Authorizer): Body | Promise<Body> {
    const { answers, registry } = this.#context;
    const { namespace, service, clusters, healthyOnly, enabledOnly } = selection;
    const view = serviceView(namespace, toService(service));
    const name = `nacos ${shape} ${healthyOnly} ${enabledOnly} ${this.#viewerOf(authorizer, namespace)} ${clusters}`;
    const known = answers.find(view, revisionOf(registry.views, selection), name);
    if (known !== undefined) return known;
    const wanted = { selection, shape, authorizer, view, name };
    let ready: Body | undefined;
    const later = new Promise<Body>((resolve, reject) => {
      const begin = () => this.#encode(wanted);
      this.#shared.join(`${view}\0${name}`, begin, {
        ready: (body) => {
          ready = body;
          resolve(body);
        },
        failed: reject,
      });
    });
    return ready ?? later;
  }

  *#encode({ selection, shape, authorizer, view, name }: Wanted): Work<Body> {
    const { answers, registry } = this.#context;
    const revision = revisionOf(registry.views, selection);
    const state = registry.state.freeze();
    const share = new MemoryShare(this.#memory);
    try {
      const buffers: Buffer[] = [];
      let text = '[';
      const flush = () => {
        const chunk = Buffer.from(text);
        share.take(chunk.length);
        buffers.push(chunk);
        text = '';
      };
      const work = selecting(state, selection, authorizer);
      let step = work.next();
      for (let first = true; step.done !== true; step = work.next()) {
        if (step.value !== undefined) {
          text += first ? JSON.stringify(step.value) : `,${JSON.stringify(step.value)}`;
          first = false;
          if (text.length >= chunkLength) flush();
        }
        if (this.#turns.pace.spend(unitsPerInstance)) yield;
      }
      text += ']';
      flush();
      const body = shape === 'hosts' ? new Body(buffers) : infoAround(selection, buffers, step.value, revision);
      answers.keep(view, revision, name, body);
      return body;
    } finally {
      state.close();
      share.free();
    }
  }

  /** The same for callers who see the same instances. */
  #viewerOf(authorizer: Authorizer, namespace: string): number {
    if (authorizer.allowsAll(namespace, 'node', 'read')) return 0;
    let number = this.#viewers.get(authorizer);
    if (number === undefined) this.#viewers.set(authorizer, (number = ++this.#viewerCount));
    return number;
  }
}

/** A `ServiceInfo` whose hosts are encoded already; a small one is one buffer. */
function infoAround(selection: Selection, hosts: readonly Buffer[], protects: boolean, revision: number): Body {
  const around = JSON.stringify(serviceInfo(selection, grouped(selection.service), { hosts: [], protects }, revision));
  // Quotes in names are escaped, so this is found once.
  const at = around.indexOf('"hosts":[]') + '"hosts":'.length;
  const parts = [Buffer.from(around.slice(0, at)), ...hosts, Buffer.from(around.slice(at + 2))];
  return new Body(hosts.length === 1 ? [Buffer.concat(parts)] : parts);
}
