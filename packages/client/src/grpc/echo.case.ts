/** Real grpc-js servers that answer with their name, and channels to them, for the tests of this folder. */

import * as grpc from '@grpc/grpc-js';
import { grpcReports, LoadMeter } from '../load-report/index.ts';
import { StaticSource, type StaticInstance } from '../source/static-source.ts';
import { channelOptions, registerRollcall, type PolicyName, type PolicyOptions } from './index.ts';

export const source = new StaticSource();
const cleanups: (() => unknown)[] = [];

/** To be called after a test, when what it adds is no longer used. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** To be called before all tests. */
export function registerEcho(): void {
  registerRollcall(source);
}

export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

export const bytes = { serialize: (text: string) => Buffer.from(text), deserialize: (buffer: Buffer) => buffer.toString() };
const shape = (path: string, responseStream: boolean) => ({
  ...{ path, requestStream: false, responseStream },
  ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
  ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
});
export const service = { who: shape('/test.Echo/Who', false), count: shape('/test.Echo/Count', true) };

export type Who = (call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) => void;

export interface Backend {
  readonly name: string;
  readonly port: number;
  readonly server: grpc.Server;
}

export async function backend(name: string, who: Who = (_, answer) => answer(null, name), meter = new LoadMeter(), port = 0): Promise<Backend> {
  const server = new grpc.Server({ interceptors: [grpcReports(grpc, { meter })] });
  server.addService(service, {
    who,
    count: (call: grpc.ServerWritableStream<string, string>) => {
      for (const n of [1, 2, 3]) call.write(`${name} ${n}`);
      call.end();
    },
  });
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, given) => (error ? reject(error) : resolve(given))),
  );
  cleanups.push(() => server.forceShutdown());
  return { name, port: bound, server };
}

let services = 0;

export function client(instances: readonly StaticInstance[], policy: PolicyName = 'round_robin', options: PolicyOptions = {}) {
  const name = `orders-${services++}`;
  source.set(name, instances);
  const made = new grpc.Client(`rollcall:///${name}`, grpc.credentials.createInsecure(), {
    ...channelOptions(policy, options),
    'grpc.initial_reconnect_backoff_ms': 100,
  });
  cleanups.push(() => made.close());
  const who = (metadata = new grpc.Metadata(), deadlineMs = 10_000) =>
    new Promise<string>((resolve, reject) =>
      made.makeUnaryRequest(service.who.path, bytes.serialize, bytes.deserialize, 'x', metadata, { deadline: Date.now() + deadlineMs }, (error, value) =>
        error ? reject(error) : resolve(value ?? ''),
      ),
    );
  const count = () =>
    new Promise<string[]>((resolve, reject) => {
      const heard: string[] = [];
      made
        .makeServerStreamRequest(service.count.path, bytes.serialize, bytes.deserialize, 'x')
        .on('data', (text: string) => heard.push(text))
        .on('error', reject)
        .on('end', () => resolve(heard));
    });
  const become = (list: readonly StaticInstance[]) => source.set(name, list);
  /** Calls until all of the names have answered: connections open one by one. */
  const all = async (names: readonly string[]) => {
    for (const seen = new Set<string>(); names.some((one) => !seen.has(one)); ) seen.add(await who());
  };
  return { who, count, become, all };
}

export const at = ({ port }: Backend, more: Partial<Exclude<StaticInstance, string>> = {}) => ({ address: '127.0.0.1', port, ...more });
