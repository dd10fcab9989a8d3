/** The words of a route on the command line: how options spell them, and how they change a route that exists. Pure. */

import { routeBalancers, routeWords, type Route, type RouteBalancer, type RouteSelector } from '@rollcall/protocol';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { collect, count, duration } from './option-values.ts';

export interface WordFlags {
  readonly description?: string;
  readonly select?: RouteSelector;
  readonly canary?: Selected;
  readonly canaryHeader?: Pick<NonNullable<Route['canary']>, 'header' | 'headerValue'>;
  readonly weight?: readonly Selected[];
  readonly subset?: number;
  readonly timeout?: number;
  readonly tryTimeout?: number;
  readonly tries?: number;
  readonly retryBudget?: number;
  readonly hedging?: number | false;
  readonly outliers?: number | false;
  readonly maxEjected?: number;
  readonly balancer?: RouteBalancer;
  readonly slowStart?: number;
  readonly keyHeader?: string;
  readonly instanceRequests?: number;
  readonly unset?: readonly string[];
}

/** `SELECTOR:NUMBER` */
interface Selected {
  readonly select: RouteSelector;
  readonly number: number;
}

/** Adds the options for the words that are set most often; all others are set by a file. */
export function addWordOptions(command: Command): Command {
  return command
    .option('--description <text>', 'why it is so, for people')
    .addOption(new Option('--select <selector>', 'only these instances: version=2.1, tag=NAME, without-tag=NAME or META=VALUE, several with commas').argParser(selector))
    .addOption(new Option('--canary <selector:share>', 'these instances get this share of the requests, such as version=2:10%').argParser(selected(percent)))
    .addOption(new Option('--canary-header <name[=value]>', 'a header of the request that decides: always or never, or this value').argParser(canaryHeader))
    .addOption(new Option('--weight <selector:factor>', 'factor of the weight of these instances, such as version=2:0.5; may be repeated').argParser(collectWeight))
    .addOption(new Option('--subset <count>', 'instances that each client uses').argParser(count(1_000_000)))
    .addOption(new Option('--timeout <duration>', 'time for a whole request, such as 2s').argParser(duration))
    .addOption(new Option('--try-timeout <duration>', 'time for one try').argParser(duration))
    .addOption(new Option('--tries <count>', 'most tries of a request, the first included').argParser(count(100)))
    .addOption(new Option('--retry-budget <share>', 'retries that each request earns, such as 20%').argParser(percent))
    .addOption(new Option('--hedging <share>', 'share of the answers that come before a second try is sent, such as 95%; off: none is sent').argParser((text) => (text === 'off' ? false : percent(text))))
    .addOption(new Option('--outliers <count>', 'failures in a row after which an instance is left out; off: never for failed answers').argParser((text) => (text === 'off' ? false : count(1_000_000)(text))))
    .addOption(new Option('--max-ejected <share>', 'largest share of the instances that may be left out at once').argParser(percent))
    .addOption(new Option('--balancer <name>', 'chooses the instance').choices(routeBalancers))
    .addOption(new Option('--slow-start <duration>', 'time in which a new instance comes up to its weight').argParser(duration))
    .option('--key-header <name>', 'header whose value is the key of a request')
    .addOption(new Option('--instance-requests <count>', 'requests that one instance may have in flight from each client').argParser(count(1_000_000)))
    .addOption(new Option('--unset <word>', 'take this word out of the route; may be repeated').argParser(collectWord));
}

/** The route with what the options say: what they do not name stays, and so does the rest of a word that they change in part. */
export function changed(before: Route, flags: WordFlags): Route {
  const { description, select, canary, canaryHeader: header, weight, subset, timeout, tryTimeout, tries, retryBudget, hedging, outliers, maxEjected, balancer, slowStart, keyHeader, instanceRequests, unset = [] } = flags;
  const { outliers: outliersBefore } = before.ejection ?? {};
  const change: { -readonly [Word in keyof Route]?: Route[Word] | undefined } = {
    ...{ description, select, balancer, keyHeader, timeoutMs: timeout, tryTimeoutMs: tryTimeout, triesMax: tries, endpointRequestsMax: instanceRequests },
    canary: canary === undefined ? before.canary && header && { ...before.canary, ...header } : { ...before.canary, ...header, select: canary.select, share: canary.number },
    weights: weight?.map(({ select: which, number }) => ({ select: which, weight: number })),
    subset: subset === undefined ? undefined : { size: subset },
    retryBudget: retryBudget === undefined ? undefined : { ...before.retryBudget, share: retryBudget },
    hedging: typeof hedging === 'number' ? { ...(before.hedging === false ? {} : before.hedging), percentile: hedging } : hedging,
    slowStart: slowStart === undefined ? undefined : { ...before.slowStart, windowMs: slowStart },
    ejection:
      outliers === undefined && maxEjected === undefined
        ? undefined
        : {
            ...before.ejection,
            ...(maxEjected === undefined ? {} : { maxShare: maxEjected }),
            ...(outliers === undefined ? {} : { outliers: outliers === false ? false : { ...(outliersBefore === false ? {} : outliersBefore), consecutiveFailures: outliers } }),
          },
  };
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const kept = Object.entries(before).filter(([word]) => !unset.includes(word));
  return Object.fromEntries([...kept, ...given]);
}

/** Whether any option changes the route. */
export function hasWords(flags: WordFlags): boolean {
  const names: readonly (keyof WordFlags)[] = [
    'description', 'select', 'canary', 'canaryHeader', 'weight', 'subset', 'timeout', 'tryTimeout', 'tries', 'retryBudget', 'hedging', 'outliers', 'maxEjected', 'balancer', 'slowStart', 'keyHeader',
    'instanceRequests', 'unset',
  ];
  return names.some((name) => flags[name] !== undefined);
}

/** `version=2.1,tag=fast,without-tag=old,env=prod` */
function selector(text: string): RouteSelector {
  const tags: string[] = [];
  const withoutTags: string[] = [];
  const meta: Record<string, string> = {};
  let version: string | undefined;
  for (const part of text.split(',')) {
    const split = part.indexOf('=');
    const [key, value] = [part.slice(0, split), part.slice(split + 1)];
    if (split < 1 || value === '') throw new InvalidArgumentError('write version=2.1, tag=NAME, without-tag=NAME or META=VALUE, several with commas.');
    if (key === 'version') version = value;
    else if (key === 'tag') tags.push(value);
    else if (key === 'without-tag') withoutTags.push(value);
    else meta[key] = value;
  }
  return {
    ...(tags.length === 0 ? {} : { tags }),
    ...(withoutTags.length === 0 ? {} : { withoutTags }),
    ...(Object.keys(meta).length === 0 ? {} : { meta }),
    ...(version === undefined ? {} : { version }),
  };
}

/** The number comes after the last colon, for values may contain colons. */
function selected(number: (text: string) => number): (text: string) => Selected {
  return (text) => {
    const split = text.lastIndexOf(':');
    if (split < 1) throw new InvalidArgumentError('write SELECTOR:NUMBER, as in version=2:10%.');
    return { select: selector(text.slice(0, split)), number: number(text.slice(split + 1)) };
  };
}

/** `10%` or `0.1` */
function percent(text: string): number {
  const [, digits = '', sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = sign === '%' ? Number(digits) / 100 : Number(digits);
  if (digits !== '' && value <= 1) return value;
  throw new InvalidArgumentError('a share is 0% to 100%, or 0 to 1.');
}

function factor(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a factor is a number of 0 or more, such as 0.5.');
}

function canaryHeader(text: string): NonNullable<WordFlags['canaryHeader']> {
  const split = text.indexOf('=');
  return split < 0 ? { header: text } : { header: text.slice(0, split), headerValue: text.slice(split + 1) };
}

function collectWeight(text: string, before: readonly Selected[] = []): readonly Selected[] {
  return [...before, selected(factor)(text)];
}

function collectWord(text: string, before: readonly string[] = []): string[] {
  if ((routeWords as readonly string[]).includes(text)) return collect(text, before);
  throw new InvalidArgumentError(`there are ${routeWords.join(', ')}.`);
}
