/**
 * A process with many native streams, each watching views, that records when pushes arrive.
 * It reads only the type of a frame: a client's work on its list is not time of the registry.
 */

import { serveQuestions } from './raw-sockets.mjs';
import { openWebSockets } from './web-sockets.mjs';

let waitingFor = 0;
let news = 0;
let last = 0n;
let latest = '';
let done = () => {};

serveQuestions({
  /** Opens `count` streams; stream n watches the services `views[n % views.length]`. */
  async connect({ port, count, views }) {
    const answered = expectAnswers(count * 2);
    const onOpen = (number, send) => {
      send(JSON.stringify({ type: 'hello', id: 1, protocol: 1, client: 'bench' }));
      const watched = views[number % views.length].map((name) => ({ kind: 'service', name }));
      send(JSON.stringify({ type: 'watch', id: 2, views: watched }));
    };
    await openWebSockets({ port, count, path: '/rollcall/v1/stream', onOpen, onText });
    await answered;
  },
  /** Drops the pushes so far, and lets `news` wait for this many. */
  async expect({ count }) {
    news = 0;
    waitingFor = count;
  },
  /** Resolves when all expected pushes have arrived. */
  async news() {
    if (news < waitingFor) await new Promise((resolve) => (done = resolve));
    return { last: String(last), news, text: latest };
  },
  /** The pushes so far. */
  async sofar() {
    return { news };
  },
});

let answers = 0;
let answersWanted = 0;
let allAnswered = () => {};

function expectAnswers(count) {
  answersWanted = count;
  return new Promise((resolve) => (allAnswered = resolve));
}

function onText(number, text) {
  const type = /"type":"([a-z-]+)"/.exec(text.toString('latin1', 0, 40))?.[1];
  if (type === 'snapshot' || type === 'delta') {
    last = process.hrtime.bigint();
    if (++news === waitingFor) {
      latest = text.toString();
      done();
    }
  } else if (type === 'welcome' || type === 'watching') {
    if (++answers === answersWanted) allAnswered();
  } else throw new Error(`stream ${number}: ${text.toString()}`);
}
