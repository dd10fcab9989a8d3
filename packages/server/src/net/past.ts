/** The past time that a request asks for with `?at=`, and the registry as it was then. */

import type { ServerResponse } from 'node:http';
import type { History } from '../history/history.ts';
import { parseMoment, type Moment } from '../history/moment.ts';
import type { Past } from '../history/past-states.ts';
import type { Exchange } from './frontend.ts';

/**
 * It is open until the answer has been sent; the answer says which time it shows.
 * @param name of the parameter
 * @returns undefined when the request asks for no past time
 * @throws RegistryError `invalid_argument` for what is no time, and as `History.at`
 */
export async function pastOf(history: History, { query, response }: Exchange, name = 'at'): Promise<Past | undefined> {
  const text = new URLSearchParams(query).get(name);
  if (text === null || text === '') return undefined;
  return openPast(history, parseMoment(text, name), response);
}

/** The registry as of a moment, open until the answer has been sent. @throws RegistryError as `History.at` */
export async function openPast(history: History, moment: Moment, response: ServerResponse): Promise<Past> {
  const past = await history.at(moment);
  if (response.closed) past.release();
  else response.once('close', () => past.release());
  saysTime(response, past.atMs);
  return past;
}

/**
 * The time that a request asks for, for answers that are made of no state.
 * @returns milliseconds since the Unix epoch, for a revision the time at which this node applied it; undefined when the request asks for no past time
 * @throws RegistryError as `pastOf`; a time needs no history, a revision does
 */
export async function pastTimeOf(history: History, { query, response }: Exchange): Promise<number | undefined> {
  const text = new URLSearchParams(query).get('at');
  if (text === null || text === '') return undefined;
  const moment = parseMoment(text, 'at');
  const atMs = 'atMs' in moment ? moment.atMs : await timeOf(history, moment);
  saysTime(response, atMs);
  return atMs;
}

async function timeOf(history: History, moment: Moment): Promise<number> {
  const { atMs, release } = await history.at(moment);
  release();
  return atMs;
}

/** Every answer as of a past time has the time in milliseconds since the Unix epoch in this header, so that a client tells it from the answer of a list that knows no past. */
function saysTime(response: ServerResponse, atMs: number): void {
  response.setHeader('X-Rollcall-As-Of', String(atMs));
}
