/** The signature is that of Standard Webhooks. */

import { expect, it } from 'vitest';
import { signature } from './sign.ts';

it('is the one of the example in the specification', () => {
  // Of the tests of the reference implementations: github.com/standard-webhooks/standard-webhooks, libraries/javascript.
  expect(signature('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}')).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});
