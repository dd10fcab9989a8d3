/**
 * Calls a service by the client of xDS from npm, again and again, and writes what each call came to as a line: the name of the backend that
 * answered, or `! CODE MESSAGE`. The bootstrap is where gRPC finds it (`GRPC_XDS_BOOTSTRAP`).
 *
 *   node caller.mjs TARGET [PAUSE_MS] [HEADER=VALUE …]
 *
 * `CALLS_AT_ONCE` says how many calls are under way at a time, 1 by default.
 */

import * as grpc from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';

register();
const [target, pauseMs = '2', ...headers] = process.argv.slice(2);
const client = new grpc.Client(target, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
const metadata = new grpc.Metadata();
for (const header of headers) metadata.set(...header.split('='));

// The test closes the input when it ends, also when it is killed.
process.stdin.on('end', () => process.exit()).resume();

async function callForEver() {
  for (;;) {
    const line = await new Promise((done) => {
      client.makeUnaryRequest('/test.Echo/Who', same, same, Buffer.alloc(0), metadata, { deadline: Date.now() + 10_000 }, (error, answer) => {
        done(error === null ? answer.toString() : `! ${grpc.status[error.code]} ${error.details}`.replaceAll('\n', ' '));
      });
    });
    process.stdout.write(`${line}\n`);
    // A failing call must not fill the log.
    await new Promise((next) => setTimeout(next, line.startsWith('!') ? 50 : Number(pauseMs)));
  }
}

for (let calls = Number(process.env.CALLS_AT_ONCE ?? '1'); calls > 0; calls--) void callForEver();
