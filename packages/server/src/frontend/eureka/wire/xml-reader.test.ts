/** The reader of XML: the shape that it gives, and what it refuses. */

import { describe, expect, test } from 'vitest';
import { elementNameOf, keyOfElement, readXml, XmlError } from './xml-reader.ts';

const read = (text: string) => JSON.parse(JSON.stringify(readXml(text))) as unknown;

describe('a document is read as plain data', () => {
  test.each<[string, string, unknown]>([
    ['text', '<a>one</a>', { root: 'a', content: 'one' }],
    ['an empty element', '<a/>', { root: 'a', content: '' }],
    ['attributes', '<a x="1" y=\'2\'>t</a>', { root: 'a', content: { '@x': '1', '@y': '2', $: 't' } }],
    ['an empty element with an attribute', '<a x="1" />', { root: 'a', content: { '@x': '1', $: '' } }],
    ['elements', '<a>\n <b>1</b><c><d>2</d></c>\n</a>', { root: 'a', content: { b: '1', c: { d: '2' } } }],
    ['elements of the same name', '<a><b>1</b><b>2</b><b>3</b></a>', { root: 'a', content: { b: ['1', '2', '3'] } }],
    ['entities and characters by number', '<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;</a>', { root: 'a', content: '<&>"\'A😀' }],
    ['CDATA and comments', '<!-- x --><a>1<![CDATA[<&]]><!-- y -->2</a><!-- z -->', { root: 'a', content: '1<&2' }],
    ['a declaration and a byte order mark', '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<a>1</a>\n', { root: 'a', content: '1' }],
  ])('%s', (_name, text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});

describe('what could be expanded, or is not well formed, is refused with its place', () => {
  test.each<[string, string, RegExp]>([
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', /DOCTYPE .*\(at character 1\)/],
    ['an external entity', '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /DOCTYPE/],
    ['an entity of its own', '<a>&bomb;</a>', /the entity &bomb; is not known/],
    ['a processing instruction', '<a><?php x?></a>', /processing instructions/],
    ['an entity without an end', '<a>a & b</a>', /the entity &/],
    ['a character that does not exist', '<a>&#0;</a>', /the entity &#0;/],
    ['half of a pair', '<a>&#xD800;</a>', /the entity/],
    ['a wrong end', '<a><b></a></b>', /element b is ended by another name/],
    ['no end', '<a><b>', /element b does not end/],
    ['text behind the end', '<a/>x', /text after the last element/],
    ['an attribute twice', '<a x="1" x="2"/>', /attribute x is there twice/],
    ['an attribute without quotes', '<a x=1/>', /not quoted/],
    ['a < in an attribute', '<a x="<"/>', /has a </],
    ['nothing', '', /an element is expected/],
    ['JSON', '{"a": 1}', /an element is expected/],
    ['too deep', '<a>'.repeat(100_000), /nested more than 24 deep/],
  ])('%s', (_name, text, message) => {
    expect(() => readXml(text)).toThrow(XmlError);
    expect(() => readXml(text)).toThrow(message);
  });

  test('random bytes never make it throw anything else', () => {
    let seed = 20_261_129;
    const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) % below;
    const parts = ['<', '>', '/', 'a', '="', '"', '&', ';', '<![CDATA[', ']]>', '<!--', '-->', '<?xml ', '?>', ' ', '<a>', '</a>', '&#65;', '<!'];
    for (let run = 0; run < 3_000; run++) {
      const text = Array.from({ length: next(24) }, () => parts[next(parts.length)]).join('');
      try {
        readXml(text);
      } catch (error) {
        expect(error, `${text} (seed 20261129)`).toBeInstanceOf(XmlError);
      }
    }
  });
});

test.each([
  ['a_b', 'a__b'],
  ['a$b', 'a_-b'],
  ['management.port', 'management.port'],
  ['two words', 'two_.0020words'],
  ['1st', '_.0031st'],
  ['größe', 'gr_.00f6_.00dfe'],
  ['__proto__', '____proto____'],
])('the key %s is the element %s, and back', (key, element) => {
  expect(elementNameOf(key)).toBe(element);
  expect(keyOfElement(element)).toBe(key);
});
