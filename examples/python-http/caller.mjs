/**
 * Calls the service `files`, written in any language, once there is an instance that passes its check.
 *
 *   node examples/python-http/caller.mjs
 */

import { connect } from '@rollcall/client';

const rollcall = await connect({ name: 'python-http caller' });
const files = rollcall.service('files');

for await (const { instances } of files.watch()) {
  if (instances.some(({ status }) => status === 'passing')) break;
}

const response = await files.fetch('/');
console.log(`${response.status} from ${response.headers.get('server')}`);
console.log(await response.text());
await rollcall.close();
