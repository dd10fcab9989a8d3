/** Filters select what Consul's would, refuse with its words, and cannot block the process. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, compileQuery } from './filter.ts';
import { boolean, float, integer, list, map, struct, text, unsigned } from './shape.ts';

const shape = struct({
  Node: struct({ Node: text, Meta: map(text) }),
  Service: struct({ Service: text, Tags: list(text), Port: integer, Meta: map(text), Ports: list(integer) }),
  Checks: list(struct({ Status: text, CheckID: text, Tags: list(text) })),
  Healthy: boolean,
  Score: float,
  Count: unsigned,
  Owner: [text, (row) => (row as { owner?: string }).owner],
});

const web = {
  Node: { Node: 'n1', Meta: { zone: 'eu', 'os version': '12' } },
  Service: { Service: 'web', Tags: ['v1', 'canary'], Port: 8080, Meta: { env: 'prod' }, Ports: [80, 443] },
  Checks: [
    { Status: 'passing', CheckID: 'serfHealth', Tags: [] },
    { Status: 'critical', CheckID: 'service:web', Tags: ['slow'] },
  ],
  Healthy: true,
  Score: 0.5,
  Count: 18_446_744_073_709_551_615n,
  owner: 'ops',
};

const selects = (expression: string, value: unknown = web) => compile(expression, shape)(value);

describe('a filter', () => {
  it.each([
    ['Service.Service == web', true],
    ['Service.Service == "web"', true],
    ['Service.Service == `web`', true],
    ['Service.Service==web', true],
    ['Service.Service != web', false],
    ['Service["Service"] == web', true],
    ['Service.Port == 8080', true],
    ['Service.Port == "0x1F90"', true],
    ['Service.Port == "8080"', true],
    ['Service.Port != 80', true],
    ['Healthy == true', true],
    ['Healthy == f', false],
    ['Score == 0.5', true],
    ['Count == 18446744073709551615', true],
    ['Owner == ops', true],
    ['"v1" in Service.Tags', true],
    ['v1 in Service.Tags', true],
    ['v2 in Service.Tags', false],
    ['v2 not in Service.Tags', true],
    ['Service.Tags contains canary', true],
    ['Service.Tags not contains canary', false],
    ['443 in Service.Ports', true],
    ['"e" in Service.Service', true],
    ['Service.Service contains eb', true],
    ['Service.Tags is empty', false],
    ['Service.Tags is not empty', true],
    ['Service.Meta.env == prod', true],
    ['Node.Meta["os version"] == 12', true],
    ['env in Service.Meta', true],
    ['Service.Meta contains nope', false],
    ['Service.Meta is not empty', true],
    ['Service.Service matches "^w.b$"', true],
    ['Service.Service not matches "^x"', true],
    // Any element of a list of structs may satisfy.
    ['Checks.Status == critical', true],
    ['Checks.Status == passing', true],
    ['Checks.Status != passing', true],
    ['Checks.Status == warning', false],
    ['not Checks.Status == passing', false],
    ['slow in Checks.Tags', true],
    ['Checks is not empty', true],
  ])('%s: %s', (expression, expected) => expect(selects(expression)).toBe(expected));

  it.each([
    ['Service.Service == web and Service.Port == 1 or Healthy == true', true],
    ['Service.Service == web and (Service.Port == 1 or Healthy == true)', true],
    ['Service.Service == no and Service.Port == 1 or Healthy == false', false],
    ['Healthy == true or Healthy == true and Healthy == false', true],
    ['not Healthy == false and Healthy == true', true],
    ['not (Healthy == false or Healthy == true)', false],
    ['not not Healthy == true', true],
    ['not not not Healthy == true', false],
    ['(Healthy == true)', true],
    ['  ( Healthy == true )\t', true],
    ['(Healthy == false) or (Healthy == true)', true],
    ['((Healthy == false) or ((Healthy == true)))', true],
  ])('binds not before and before or: %s', (expression, expected) => {
    expect(selects(expression)).toBe(expected);
  });

  // go-bexpr 0.1.2 passes a missing key with every operator but ==, in and `is not empty`.
  it.each([
    ['Service.Meta.gone == x', false],
    ['Service.Meta.gone != x', true],
    ['"x" in Service.Meta.gone', false],
    ['"x" not in Service.Meta.gone', true],
    ['Service.Meta.gone matches "x"', true],
    ['Service.Meta.gone not matches "x"', true],
    ['Service.Meta.toString == x', false],
    ['Service.Meta["__proto__"] != x', true],
  ])('on a key that the map lacks: %s: %s', (expression, expected) => expect(selects(expression)).toBe(expected));

  it.each([
    ['Service.Service == ""', true],
    ['Service.Port == 0', true],
    ['Healthy == false', true],
    ['Service.Tags is empty', true],
    ['Checks is empty', true],
    ['"" in Service.Service', true],
    ['Node.Node matches "^$"', true],
  ])('reads a missing field as empty: %s', (expression, expected) => {
    expect(selects(expression, {})).toBe(expected);
    expect(selects(expression, { Service: null, Node: null })).toBe(expected);
  });

  it.each([
    ['foo == 3x', '1:9 (8): rule "number": Invalid number literal'],
    ['foo == "12x', '1:12 (11): rule "string": Unterminated string literal'],
    ['foo == `12x', '1:12 (11): rule "string": Unterminated string literal'],
    ['foo == "\\q"', '1:8 (7): rule "string": invalid syntax'],
    ['foo[3] == a', '1:5 (4): rule "index": Invalid index'],
    ['x in foo["a"', '1:13 (12): rule "index": Unclosed index expression'],
    ['(foo == 4', '1:10 (9): rule "grouping": Unmatched parentheses'],
    ['x in 32', '1:6 (5): rule "match": Invalid selector'],
    ['32 == 32', '1:4 (3): no match found, expected: "in", "not" or [ \\t\\r\\n]'],
    ['x in foo abc', '1:10 (9): no match found, expected: "and", "or", [ \\t\\r\\n] or EOF'],
    ['é == 1', '1:1 (0): no match found'],
    ['x in é', '1:6 (5): rule "match": Invalid selector'],
    ['', '1:1 (0): no match found'],
    // Unquoted words have no dashes.
    ['Service.Service == a-b', '1:21 (20): no match found'],
    ['a == 1and b == 1', '1:7 (6): rule "number": Invalid number literal'],
  ])('with bad syntax is refused as by go-bexpr: %s', (expression, message) => {
    expect(() => compile(expression, shape)).toThrow(message);
  });

  it.each([
    ['Nope == 1', 'Selector "Nope" is not valid'],
    ['Service.Nope.More == 1', 'Selector "Service.Nope" is not valid'],
    ['toString == 1', 'Selector "toString" is not valid'],
    ['Service.Tags.x == 1', 'Selector "Service.Tags.x" is not valid'],
    ['Service.Tags == v1', 'Invalid match operator "Equal" for selector "Service.Tags"'],
    ['Service == v1', 'Invalid match operator "Equal" for selector "Service"'],
    ['Service.Port matches "1"', 'Invalid match operator "Matches" for selector "Service.Port"'],
    ['Service.Service is empty', 'Invalid match operator "Is Empty" for selector "Service.Service"'],
    [
      'Service.Port == web',
      'Failed to coerce value "web" for selector "Service.Port": strconv.ParseInt: parsing "web": invalid syntax',
    ],
    ['Count == -1', 'strconv.ParseUint: parsing "-1": invalid syntax'],
    ['Service.Port == 9223372036854775808', 'value out of range'],
    ['Healthy == yes', 'strconv.ParseBool: parsing "yes": invalid syntax'],
    ['Service.Service matches "("', 'Failed to compile regular expression "(": error parsing regexp: missing closing ): `(`'],
  ])('that does not fit its values is refused: %s', (expression, message) => {
    expect(() => compile(expression, shape)).toThrow(message);
  });

  it.each([
    [`Healthy == "${'x'.repeat(9_000)}"`, 'the limit is 8192'],
    [`${'('.repeat(200)}Healthy == true${')'.repeat(200)}`, 'nests 200 levels deep'],
    [`${'not '.repeat(200)}Healthy == true`, 'levels deep'],
    [Array(300).fill('Healthy == t').join(' or '), 'Number of match expressions (300) exceeds the limit (256)'],
  ])('beyond a limit is refused: %.30s', (expression, message) => {
    expect(() => compile(expression, shape)).toThrow(message);
  });

  it('does not count characters in strings as depth', () => {
    expect(selects(`Service.Service != "${'('.repeat(300)}"`)).toBe(true);
    expect(selects(`Service.Service != "${'not '.repeat(300)}"`)).toBe(true);
  });

  it('of a query begins its errors with Consul’s words, and passes everything when empty', () => {
    expect(() => compileQuery('Nope == 1', shape)).toThrow(
      'Failed to create boolean expression evaluator: Selector "Nope" is not valid',
    );
    expect(compileQuery('', shape).wants({})).toBe(true);
  });

  it('with a hostile pattern fails after many values instead of stalling the server', () => {
    const filter = compile('Service.Service matches "(?:a?){300}b"', shape);
    const value = { Service: { Service: 'a'.repeat(4_096) } };
    expect(() => {
      for (let count = 0; count < 10_000; count++) filter(value);
    }).toThrow('the pattern takes too long');
  });

  it('answers or refuses any text', () => {
    const word = fc.constantFrom('(', ')', 'not ', ' and ', ' or ', 'Healthy', ' == ', 'true', ' in ', '"x"', '[', ']', '.', ' is empty', '`', '"', '3', 'Checks.Status');
    fc.assert(
      fc.property(fc.oneof(fc.array(word, { maxLength: 30 }).map((words) => words.join('')), fc.string()), (expression) => {
        let filter;
        try {
          filter = compile(expression, shape);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_argument' });
          return;
        }
        expect(typeof filter(web)).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
  });
});
