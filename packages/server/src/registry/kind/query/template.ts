/**
 * Templates of prepared queries: every text of the query's service may have variables in it
 * (https://developer.hashicorp.com/consul/api-docs/query#prepared-query-templates).
 *
 *     ${name.full} ${name.prefix} ${name.suffix}   parts of the name that is asked for
 *     ${match(N)}                                  what group N of the template's pattern matched; 0 is the whole match
 *     ${agent.segment}                             always empty: there are no network segments
 *
 * `$${` stands for `${`. Of the language that Consul uses (HIL) there is nothing else but numbers. Any caller chooses
 * the name, so the cost of rendering is bounded.
 */

import { RegistryError } from '@rollcall/protocol';
import { Pattern } from '../../../filter/pattern.ts';
import type { PreparedQuery, PreparedService } from './rows.ts';

export interface QueryTemplate {
  /**
   * The query that the template makes of a name.
   * @throws RegistryError `resource_exhausted` when that takes too long, or gets too long
   */
  render(name: string): PreparedQuery;
}

/** Steps of a regular expression on one name: at most 3 ms. */
const stepsMax = 50_000;

/** Characters of all texts of a rendered query together. */
const renderedMax = 65_536;

/** What a name gives to the variables. */
interface Values {
  readonly prefix: string;
  readonly full: string;
  readonly suffix: string;
  readonly matches: readonly string[];
}

type Part = string | ((values: Values) => string);

/** @throws RegistryError `invalid_argument`: `failed compiling template: …` */
export function compileTemplate(query: PreparedQuery): QueryTemplate {
  const { template, name, service } = query;
  const { regexp, fill } = compile(template.pattern, service, 'service');
  const render = fill as (values: Values) => PreparedService;
  return {
    render: (full) => {
      const suffix = full.startsWith(name) ? full.slice(name.length) : full;
      const matches = regexp?.match(full, { left: stepsMax }) ?? [];
      const rendered = render({ prefix: name, full, suffix, matches });
      const length = JSON.stringify(rendered).length;
      if (length > renderedMax) {
        const message = `the query has ${length} characters when its name is filled in, the limit is ${renderedMax}`;
        throw new RegistryError('resource_exhausted', message);
      }
      const tags = template.removeEmptyTags ? rendered.tags.filter((tag) => tag !== '') : rendered.tags;
      return { ...query, service: { ...rendered, tags } };
    },
  };
}

/**
 * Checks a template as a protocol words it.
 * @param service with the field names of the protocol, which messages then contain
 * @param path name of `service`, for messages
 * @throws RegistryError like `compileTemplate`
 */
export function vetTemplate(pattern: string, service: object, path: string): void {
  compile(pattern, service, path);
}

function compile(pattern: string, service: object, path: string) {
  return { regexp: pattern === '' ? undefined : compileRegexp(pattern), fill: textsOf(service, path) };
}

function compileRegexp(text: string): Pattern {
  try {
    return new Pattern(text);
  } catch (error) {
    throw failure(`Bad Regexp: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A function that fills every text of a value in. @param path for messages: `service.tags[1]` */
function textsOf(value: unknown, path: string): (values: Values) => unknown {
  if (typeof value === 'string') {
    const parts = partsOf(value, path);
    return (values) => parts.map((part) => (typeof part === 'string' ? part : part(values))).join('');
  }
  if (Array.isArray(value)) {
    const items = value.map((item, index) => textsOf(item, `${path}[${index}]`));
    return (values) => items.map((item) => item(values));
  }
  if (typeof value !== 'object' || value === null) return () => value;
  // Keys of metadata come from clients; the others are ours.
  const keyed = /meta$/i.test(path);
  const fields = Object.entries(value).map(
    ([key, item]) => [key, textsOf(item, keyed ? `${path}[${key}]` : `${path}.${key}`)] as const,
  );
  return (values) => Object.fromEntries(fields.map(([key, item]) => [key, item(values)]));
}

const variables: Readonly<Record<string, (values: Values) => string>> = {
  'name.full': ({ full }) => full,
  'name.prefix': ({ prefix }) => prefix,
  'name.suffix': ({ suffix }) => suffix,
  'agent.segment': () => '',
};

function partsOf(text: string, path: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    const dollar = text.indexOf('${', at);
    if (dollar < 0) break;
    if (dollar > at && text[dollar - 1] === '$') {
      parts.push(`${text.slice(at, dollar - 1)}\${`);
      at = dollar + 2;
      continue;
    }
    parts.push(text.slice(at, dollar));
    const { part, end } = expression(text, path, dollar + 2);
    parts.push(part);
    at = end;
  }
  parts.push(text.slice(at));
  return parts;
}

/** What stands between `${` and `}`. @param from where it begins */
function expression(text: string, path: string, from: number): { part: Part; end: number } {
  let at = from;
  const take = (form: RegExp) => {
    const found = new RegExp(form, 'y');
    found.lastIndex = at;
    const taken = found.exec(text)?.[0];
    at += taken?.length ?? 0;
    return taken;
  };
  const badFormat = (what: string) => {
    const found = at < text.length ? JSON.stringify(text[at]) : 'end of string';
    return failure(`Bad format '${text}' in ${path}: parse error at 1:${at + 1}: expected ${what} but found ${found}`);
  };
  take(/\s*/);
  const column = at + 1;
  const evaluation = (what: string) => failure(`Bad evaluation for '${text}' in ${path}: 1:${column}: ${what}`);
  let part: Part;
  const number = take(/-?\d+/);
  const name = number === undefined ? take(/[A-Za-z_][\w.]*/) : undefined;
  if (number !== undefined) part = number;
  else if (name === undefined) throw badFormat('expression');
  else if (take(/\s*\(/) !== undefined) {
    const inside = (take(/[^)}]*/) ?? '').trim();
    if (take(/\)/) === undefined) throw badFormat('")"');
    part = call(name, inside, evaluation);
  } else if (Object.hasOwn(variables, name)) part = variables[name] as Part;
  else throw evaluation(`unknown variable accessed: ${name}`);
  if (take(/\s*\}/) === undefined) throw badFormat('"}"');
  return { part, end: at };
}

function call(name: string, inside: string, evaluation: (what: string) => RegistryError): Part {
  if (name !== 'match') throw evaluation(`unknown function called: ${name}`);
  const given = inside === '' ? [] : inside.split(',');
  if (given.length !== 1) throw evaluation(`match: expected 1 arguments, got ${given.length}`);
  if (!/^-?\d{1,9}$/.test(inside)) throw evaluation(`match: its argument must be a number, not ${inside.slice(0, 80)}`);
  const group = Number(inside);
  return ({ matches }) => matches[group] ?? '';
}

function failure(reason: string): RegistryError {
  return new RegistryError('invalid_argument', `failed compiling template: ${reason}`);
}
