/**
 * Many of Rollcall's clients in one process, each with an instance. They report when they lose and open connections.
 *
 *   node clients.mjs '{"servers":[…],"service":"…","count":…,"graceMs":…}'
 */

import { connect } from '@rollcall/client';

const { servers, service, count, graceMs } = JSON.parse(process.argv[2]);
await Promise.all(
  Array.from({ length: count }, async (_, number) => {
    const onEvent = ({ kind, server, resumed }) => {
      if (kind === 'connected' || kind === 'disconnected') process.send({ number, kind, server, resumed, at: Date.now() });
    };
    const rollcall = await connect({ servers, graceMs, name: `client-${number}`, node: 'bench', onEvent });
    await rollcall.register({ service, id: `${service}-${number}`, address: '127.0.0.1', port: 1 });
  }),
);
process.send({ kind: 'ready' });
process.on('disconnect', () => process.exit(0));
