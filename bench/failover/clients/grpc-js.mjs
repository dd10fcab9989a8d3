/**
 * grpc-js with its `round_robin` and retries of UNAVAILABLE, over a fixed list of addresses: it has no resolver for
 * a registry.
 */

import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { webService } from './grpc-service.mjs';

export const backends = 'grpc';

const config = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: 'bench.Web' }],
      retryPolicy: { maxAttempts: 3, initialBackoff: '0.01s', maxBackoff: '0.1s', backoffMultiplier: 2, retryableStatusCodes: ['UNAVAILABLE'] },
    },
  ],
};

export async function open({ ports }) {
  const Client = makeGenericClientConstructor(webService, 'bench.Web');
  const target = `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  const client = new Client(target, credentials.createInsecure(), { 'grpc.service_config': JSON.stringify(config) });
  return {
    ask: ({ timeoutMs }) =>
      new Promise((resolve, reject) => {
        client.get({}, { deadline: Date.now() + timeoutMs }, (error) => (error === null ? resolve(200) : reject(error)));
      }),
  };
}
