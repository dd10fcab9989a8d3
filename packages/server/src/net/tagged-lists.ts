/**
 * Sends lists with an `ETag` of the revision of all that they show, so that a page which asks every second costs little until something changes. With
 * `?at=`, as of a past time. Bodies are made and kept by `list-bodies.ts`; what a list shows is the business of its front end.
 */

import type { Frozen } from '../registry/frozen.ts';
import type { Body } from './answers.ts';
import type { Context } from './frontend.ts';
import { takesGzip, type ListBodies } from './list-bodies.ts';
import { pastOf } from './past.ts';
import type { RoutedCall } from './routed-frontend.ts';
import type { Work } from './turns.ts';

export interface TaggedList {
  /** Names it among all lists of its front end. */
  readonly name: string;
  /** The view that it shows. */
  readonly view: string;
  /** Whether the caller sees the same as every caller with all rights. */
  readonly seesAll: boolean;
  readonly make: (frozen: Frozen) => Work<Body>;
  /** Its parts are kept by themselves. */
  readonly inParts?: boolean;
}

export class TaggedLists {
  readonly #context: Context;
  readonly #lists: ListBodies;
  /** Numbers of viewers mean nothing to another process. */
  readonly #process: string;

  constructor(context: Context, lists: ListBodies) {
    this.#context = context;
    this.#lists = lists;
    this.#process = context.uuid().slice(0, 8);
  }

  /** @throws RegistryError as `pastOf` */
  async send({ caller: { authorizer }, exchange }: RoutedCall, { name, view, seesAll, make, inParts = false }: TaggedList): Promise<void> {
    const { history, registry: { views } } = this.#context;
    const { request, response } = exchange;
    const viewer = this.#lists.viewerOf(authorizer, seesAll);
    const past = await pastOf(history, exchange);
    const revision = past === undefined ? () => views.revision(view) : () => past.revision;
    const tag = `"${this.#process}-${viewer}-${past === undefined ? '' : 'at-'}${revision()}"`;
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return;
    }
    const list = { name: past === undefined ? name : `${name} ${past.revision}`, form: 'json', viewer, revision, make, inParts, ...(past === undefined ? {} : { at: past.frozen }) };
    const { body, gzip } = await this.#lists.find(response, list, takesGzip(request.headers));
    if (body !== undefined) this.#lists.send(response, { contentType: 'application/json', vary: 'Accept-Encoding' }, body, gzip);
  }
}
