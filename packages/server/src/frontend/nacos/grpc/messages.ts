/** All types of messages that clients send as calls. Others are answered with 302, as Nacos answers those of its newer versions. */

import type { MessageTypes } from './call.ts';
import { configMessages } from './config.ts';
import { namingMessages } from './naming.ts';

export const messageTypes: MessageTypes = {
  HealthCheckRequest: {
    reply: 'HealthCheckResponse',
    access: { kind: 'open', why: 'says that the connection lives, and nothing more' },
    handle: () => ({}),
  },
  ...namingMessages,
  ...configMessages,
};
