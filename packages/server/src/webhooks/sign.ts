/** Signs a delivery as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks, spec, "Webhook headers"), with its symmetric scheme `v1`. */

import { createHmac } from 'node:crypto';

/** @param secret `whsec_` and the key in base64 @param seconds since the Unix epoch @returns `v1,BASE64` */
export function signature(secret: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}
