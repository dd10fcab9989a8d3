/**
 * A server in several processes that looks like one. This process, the primary, keeps the log and serves its workers alone; they serve
 * the clients (`worker-process.ts`).
 */

import type { Server, ServerOptions, WorkerAccess } from '@rollcall/server';
import type { Settings } from '../settings/table.ts';
import { Workers, type WorkersOptions } from './supervisor.ts';

/** The part of a running server that `rollcall serve` needs, in one process or in several. */
export type Running = Pick<Server, 'url' | 'ports' | 'fatal' | 'left' | 'reloadCertificates' | 'close'>;

export interface WithWorkersOptions {
  readonly count: number;
  readonly settings: Settings;
  readonly dnsOptional: boolean;
  readonly server: ServerOptions;
  readonly log: WorkersOptions['log'];
  /** Resolves when the process is asked to stop, perhaps before all workers serve. */
  readonly stopped: Promise<unknown>;
}

/** @throws CommandFailure, RegistryError when the primary or a worker cannot serve; all processes have ended then */
export async function serveWithWorkers({ count, settings, dnsOptional, server: options, log, stopped }: WithWorkersOptions): Promise<Running> {
  const { createServer, prepareSharedSocket } = await import('@rollcall/server');
  if (settings.http !== undefined && 'path' in settings.http) await prepareSharedSocket(settings.http.path);
  const { https: _https, dns: _dns, eureka: _eureka, nacos: _nacos, grpc: _grpc, zookeeper: _zookeeper, ...own } = options;
  const primary = await createServer({ ...own, http: false, nodes: { host: '127.0.0.1' }, frontends: ['peer'], followers: true });
  const workers = new Workers({ count, settings, dnsOptional, log, primary: primary.forWorkers as WorkerAccess });
  try {
    void stopped.then(() => workers.close());
    const { url, ports } = await workers.start();
    return {
      url,
      ports,
      fatal: primary.fatal,
      left: primary.left,
      async reloadCertificates() {
        workers.reloadCertificates();
        return true;
      },
      async close() {
        await workers.close();
        await primary.close();
      },
    };
  } catch (error) {
    await primary.close();
    throw error;
  }
}
