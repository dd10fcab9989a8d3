/** Carries out a plan of `http-load.mjs` with autocannon, in its own process; prints a JSON line. */

import autocannon from 'autocannon';

const { url, plan, connections, seconds } = JSON.parse(process.argv[2]);
let counter = 0;

const result = await autocannon({
  url,
  connections,
  duration: seconds,
  requests: [
    {
      method: plan.method,
      path: plan.path,
      headers: plan.headers ?? {},
      setupRequest(request) {
        const number = String(counter++ % (plan.numbers ?? 1));
        const body = plan.body?.replaceAll('#', number).replaceAll('%', String(counter));
        return { ...request, path: plan.path.replaceAll('#', number), body };
      },
    },
  ],
});
process.stdout.write(`${JSON.stringify({ rate: result['2xx'] / result.duration, bad: result.non2xx + result.errors })}\n`);
