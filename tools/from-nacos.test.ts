/** docs/guides/from-nacos.md, typed in; the Nacos that it copies from is another Rollcall. With a real one: conformance/nacos/rust. */

import { createServer } from '@rollcall/server';
import { expect, it } from 'vitest';
import { playNacosGuide } from './from-nacos.ts';

it('an operator of Nacos can follow the guide', async () => {
  const old = await createServer();
  try {
    await expect(playNacosGuide(old.url)).resolves.toBeUndefined();
  } finally {
    await old.close();
  }
});
