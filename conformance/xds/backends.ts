/** Backends that answer calls of gRPC with their name, and a registry in which they are. */

import * as grpc from '@grpc/grpc-js';
import type { Registry } from '../../packages/server/src/registry/registry.ts';
import type { InstanceInput } from '../../packages/server/src/registry/kind/catalog/commands.ts';

const same = (bytes: Buffer) => bytes;

export interface Backend {
  readonly name: string;
  readonly port: number;
  /** Time that it takes for an answer; 0 at first. */
  takesMs: number;
  close(): void;
}

export async function startBackend(name: string, port = 0): Promise<Backend> {
  const server = new grpc.Server();
  const answer = (_call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
    if (backend.takesMs === 0) done(null, Buffer.from(name));
    else setTimeout(() => done(null, Buffer.from(name)), backend.takesMs);
  };
  server.register<Buffer, Buffer>('/test.Echo/Who', answer, same, same, 'unary');
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, given) => (error === null ? resolve(given) : reject(error)));
  });
  const backend: Backend = { name, port: bound, takesMs: 0, close: () => server.forceShutdown() };
  return backend;
}

/** Registers a backend as an instance that nothing watches. */
export function register(registry: Registry, service: string, { name, port }: Pick<Backend, 'name' | 'port'>, more: Partial<InstanceInput> = {}, namespace = 'default'): Promise<unknown> {
  const instances = [{ id: name, service, address: '127.0.0.1', port, persistent: true, ...more }];
  return registry.submit({ kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', instances });
}

export function deregister(registry: Registry, name: string, namespace = 'default'): Promise<unknown> {
  return registry.submit({ kind: 'deregister-instance', namespace, node: '', id: name });
}
