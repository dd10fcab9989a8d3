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
import { describe, type TemplateFault, type TextFault } from './template-fault.ts';

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

/** @throws RegistryError `invalid_argument` when the template has a fault */
export function compileTemplate(query: PreparedQuery): QueryTemplate {
  const { template, name, service } = query;
  const compiled = compile(template.pattern, service, 'service');
  if ('what' in compiled) throw new RegistryError('invalid_argument', describe(compiled));
  const { regexp, fill } = compiled;
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
 * Checks a template before it is stored.
 * @param service its service, with the field names of the protocol that asks: the path in a fault has those names
 * @param path name of `service`
 * @returns the first fault; undefined when there is none
 */
export function faultOf(pattern: string, service: object, path: string): TemplateFault | undefined {
  const compiled = compile(pattern, service, path);
  return 'what' in compiled ? compiled : undefined;
}

interface Compiled {
  readonly regexp: Pattern | undefined;
  readonly fill: (values: Values) => unknown;
}

function compile(pattern: string, service: object, path: string): Compiled | TemplateFault {
  let regexp: Pattern | undefined;
  try {
    if (pattern !== '') regexp = new Pattern(pattern);
  } catch (error) {
    return { what: 'pattern', reason: error instanceof Error ? error.message : String(error) };
  }
  try {
    return { regexp, fill: textsOf(service, path) };
  } catch (error) {
    if (error instanceof Faulty) return error.fault;
    throw error;
  }
}

/** Leaves the parser of a text at its first fault. */
class Faulty extends Error {
  readonly fault: TemplateFault;

  constructor(fault: TemplateFault) {
    super(describe(fault));
    this.fault = fault;
  }
}

/** A function that fills every text of a value in. @param path for faults: `service.tags[1]` @throws Faulty */
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
  const faultAt = (column: number, reason: TextFault) => new Faulty({ what: 'text', path, text, column, reason });
  const expected = (what: 'expression' | ')' | '}') => faultAt(at + 1, { kind: 'expected', expected: what, found: text[at] });
  take(/\s*/);
  const column = at + 1;
  let part: Part;
  const number = take(/-?\d+/);
  const name = number === undefined ? take(/[A-Za-z_][\w.]*/) : undefined;
  if (number !== undefined) part = number;
  else if (name === undefined) throw expected('expression');
  else if (take(/\s*\(/) !== undefined) {
    const inside = (take(/[^)}]*/) ?? '').trim();
    if (take(/\)/) === undefined) throw expected(')');
    part = call(name, inside, (reason) => faultAt(column, reason));
  } else if (Object.hasOwn(variables, name)) part = variables[name] as Part;
  else throw faultAt(column, { kind: 'unknown-variable', name });
  if (take(/\s*\}/) === undefined) throw expected('}');
  return { part, end: at };
}

function call(name: string, inside: string, fault: (reason: TextFault) => Faulty): Part {
  if (name !== 'match') throw fault({ kind: 'unknown-function', name });
  const given = inside === '' ? [] : inside.split(',');
  if (given.length !== 1) throw fault({ kind: 'arguments', count: given.length });
  if (!/^-?\d{1,9}$/.test(inside)) throw fault({ kind: 'no-number', argument: inside });
  const group = Number(inside);
  return ({ matches }) => matches[group] ?? '';
}
