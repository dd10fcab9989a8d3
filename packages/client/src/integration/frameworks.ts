/**
 * Servers that a framework starts and closes: a Fastify plugin, and an object with the lifecycle methods of
 * Nest. This file imports neither framework; it declares the parts that it uses.
 */

import type { Server } from 'node:http';
import { type LifecycleOptions, type LifecycleSurroundings, type RegisteredServer, type Registrar, registerServer } from './lifecycle.ts';

/** Options of a server that its framework closes. */
export type FrameworkOptions = Omit<LifecycleOptions, 'closeMs' | 'signals'> & { readonly rollcall: Registrar };

/** The part of Fastify 5 that this file uses (https://fastify.dev/docs/latest/Reference/Hooks/#application-hooks). */
export interface FastifyLike {
  readonly server: unknown;
  addHook(name: 'onListen' | 'preClose' | 'onClose', hook: () => Promise<void>): unknown;
}

/**
 * A Fastify plugin: `await fastify.register(rollcallFastify, { rollcall, service: 'orders' })`. Registers when
 * Fastify listens; when it closes, callers are told first.
 */
export async function rollcallFastify(fastify: FastifyLike, options: FrameworkOptions): Promise<void> {
  const life = new ServerLife(() => fastify.server as Server, options);
  fastify.addHook('onListen', () => life.listening());
  fastify.addHook('preClose', () => life.leaving());
  fastify.addHook('onClose', () => life.closed());
}

/**
 * For Nest (https://docs.nestjs.com/fundamentals/lifecycle-events): a provider made with
 * `useFactory: () => new RollcallLifecycle(() => app.getHttpServer(), { … })`, with `app.enableShutdownHooks()`.
 * Registers when the HTTP server listens; before Nest closes it, callers are told.
 */
export class RollcallLifecycle {
  readonly #life: ServerLife;
  readonly #onError: (error: unknown) => void;

  /**
   * @param server returns the HTTP server; called when the application has been created
   * @param onError called when the server cannot be registered (no port, a wrong option); an unreachable
   *   registry is not an error
   */
  constructor(server: () => Server, options: FrameworkOptions, onError: (error: unknown) => void, surroundings?: LifecycleSurroundings) {
    this.#life = new ServerLife(server, options, surroundings);
    this.#onError = onError;
  }

  /** Nest calls this before it listens. */
  onApplicationBootstrap(): void {
    this.#life.listening().catch(this.#onError);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#life.leaving();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#life.closed();
  }
}

class ServerLife {
  readonly #server: () => Server;
  readonly #options: FrameworkOptions;
  readonly #surroundings: LifecycleSurroundings;
  #registering: Promise<void> | undefined;
  #registered: RegisteredServer | undefined;

  constructor(server: () => Server, options: FrameworkOptions, surroundings: LifecycleSurroundings = {}) {
    this.#server = server;
    this.#options = options;
    this.#surroundings = surroundings;
  }

  async listening(): Promise<void> {
    this.#registering = this.#register();
    await this.#registering;
  }

  /** A server that never listened has no callers; one whose registration is under way must not stay registered. */
  async leaving(): Promise<void> {
    if (this.#server().listening) await this.#registering?.catch(() => {});
    await this.#registered?.drain();
  }

  async closed(): Promise<void> {
    await this.#registered?.close();
  }

  async #register(): Promise<void> {
    const { rollcall, ...options } = this.#options;
    this.#registered = await registerServer(rollcall, this.#server(), { ...options, signals: false }, this.#surroundings);
  }
}
