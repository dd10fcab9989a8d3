/** The path of a request about one webhook. */

export const webhooksPath = '/rollcall/v1/webhooks';

export function webhookPath(name: string, action = ''): string {
  return `${webhooksPath}${action}?${new URLSearchParams({ name }).toString()}`;
}
