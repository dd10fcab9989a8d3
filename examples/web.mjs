/**
 * A small web service to try Rollcall with. It greets, answers `/healthz` to probes, and `/pid` with
 * its process id, so that you can kill it.
 *
 *   node examples/web.mjs 8080
 */

import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 8080);
const answers = { '/healthz': 'fine\n', '/pid': `${process.pid}\n` };

const server = createServer((request, response) => {
  response.end(answers[request.url] ?? `hello from process ${process.pid}\n`);
});
server.listen(port, '127.0.0.1', () => console.log(`web service on http://127.0.0.1:${port}`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
}
