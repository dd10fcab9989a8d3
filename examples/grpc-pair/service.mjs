/**
 * A gRPC service that registers itself, reports its load with every answer, and drains on SIGTERM.
 *
 *   node examples/grpc-pair/service.mjs
 */

import * as grpc from '@grpc/grpc-js';
import { connect } from '@rollcall/client';
import { grpcReports } from '@rollcall/client/load-report';
import { echo } from './echo.mjs';

const server = new grpc.Server({ interceptors: [grpcReports(grpc)] });
server.addService(echo, {
  greet: ({ request }, answer) => answer(null, `hello ${request} from process ${process.pid}`),
  count(call) {
    for (let n = 1; n <= 3; n++) call.write(`${n} from process ${process.pid}`);
    call.end();
  },
});
const port = await new Promise((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
);

const rollcall = await connect({ name: 'grpc-pair service' });
const registration = await rollcall.register({ service: 'echo', address: '127.0.0.1', port });
console.log(`process ${process.pid}: ${registration.id} listens on port ${port}`);

async function leave() {
  // Callers are told first; then requests in flight are answered, and everything closes.
  await registration.drain().catch((error) => console.error(error.message));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await new Promise((resolve) => server.tryShutdown(resolve));
  await rollcall.close();
}
process.once('SIGTERM', () => void leave());
