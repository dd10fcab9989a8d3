/** Instances are found in the list of a whole registry, however it is written. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listedInstances } from './listed-instances.ts';

const found = (list: unknown, space?: number) => [...listedInstances(Buffer.from(JSON.stringify(list, null, space)))].filter((each) => each !== undefined);

it('finds each instance of each application, with text of any kind in it', () => {
  const instance = fc.record({ instanceId: fc.string({ unit: 'binary' }), metadata: fc.dictionary(fc.string(), fc.string()), port: fc.record({ $: fc.nat() }) });
  const application = fc.array(fc.record({ name: fc.string(), instance: fc.array(instance) }));
  fc.assert(
    fc.property(application, fc.constantFrom(undefined, 2), (applications, space) => {
      const list = { applications: { versions__delta: '1', apps__hashcode: '', application: applications } };
      const expected: unknown = JSON.parse(JSON.stringify(applications.flatMap(({ instance: all }) => all)));
      expect(found(list, space)).toEqual(expected);
    }),
  );
});

it('finds nothing in an empty registry', () => {
  expect(found({ applications: { application: [] } })).toEqual([]);
});

it('stops between slices of a long list', () => {
  const text = Buffer.from(JSON.stringify({ applications: { application: [{ instance: [{ a: 'x'.repeat(300_000) }] }] } }));
  expect([...listedInstances(text)].filter((each) => each === undefined)).toHaveLength(4);
});
