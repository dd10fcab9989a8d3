/** The JSON API of the activity: who did what, was refused or signed in, on any node. It keeps nothing, and changes nothing. */

import { createHash } from 'node:crypto';
import { defaultNamespace, type ActivityAnswer, type ActivityLine } from '@rollcall/protocol';
import type { NodeLine } from '../../net/activity-log.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { pastTimeOf } from '../../net/past.ts';
import { routedFrontend, sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { readQuestion } from './question.ts';
import { prefix, route } from './routes.ts';

const json = 'application/json';

export function activity(context: Context): Frontend {
  return routedFrontend(context, {
    name: 'activity',
    prefixes: [prefix],
    routes: [{ ...route, pattern: /^\/rollcall\/v1\/activity$/, run: list }],
    sendError: (response, failure) => sendText(response, failure.status ?? statusByCode[failure.code], json, JSON.stringify(errorBody(context.security.acl, failure))),
  });
}

/** With an `ETag`, so that a page which asks every second gets an answer only when something has changed. */
async function list({ context: { activity: log, history, security: { acl } }, exchange, caller }: RoutedCall): Promise<void> {
  acl.authorize(caller, defaultNamespace, 'operator', 'read');
  const { request, response, query } = exchange;
  const page = await log.find(readQuestion(query, await pastTimeOf(history, exchange)));
  const named = (line: NodeLine): ActivityLine => {
    const token = line.accessorId === '' ? undefined : acl.store.tokenAnywhere(line.accessorId);
    const isShown = token !== undefined && (token.accessorId === caller.accessorId || caller.authorizer.allows(token.namespace, 'acl', 'read', ''));
    return isShown && token.description !== '' ? { ...line, person: token.description } : line;
  };
  const answer: ActivityAnswer = { ...page, lines: page.lines.map(named) };
  const text = JSON.stringify(answer);
  const tag = `"${createHash('sha1').update(text).digest('base64url')}"`;
  response.setHeader('ETag', tag);
  if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
  else sendText(response, 200, json, text);
}
