/** The guide to security names each resource that rules can be about, and each of its policies is accepted. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assertRules } from './rule-text.ts';
import { namedResources, scalarResources } from './rules.ts';

const guide = readFileSync(new URL('../../../../docs/guides/security.md', import.meta.url), 'utf8');
const rows = guide.split('\n').flatMap((line) => {
  const [, resources = '', , policies = ''] = line.split('|').map((cell) => cell.trim());
  return resources.startsWith('`') ? [{ resources: quoted(resources), policies: quoted(policies).filter((word) => /^(read|list|write|edit|approve|publish|reveal)$/.test(word)) }] : [];
});

it('the guide has a row for each resource', () => {
  const expected = [...namedResources.map((name) => `${name}, ${name}_prefix`), ...scalarResources];
  expect(rows.map(({ resources }) => resources.join(', ')).toSorted()).toEqual(expected.toSorted());
});

it('each policy in the guide is one of the rule language', () => {
  for (const { resources, policies } of rows) {
    expect(policies.length, resources[0]).toBeGreaterThan(1);
    for (const policy of policies) {
      for (const resource of resources) {
        const isScalar = (scalarResources as readonly string[]).includes(resource);
        assertRules(isScalar ? `${resource} = "${policy}"` : `${resource} "x" { policy = "${policy}" }`, 'default');
      }
    }
  }
});

function quoted(cell: string): string[] {
  return Array.from(cell.matchAll(/`(\w+)`/g), ([, word = '']) => word);
}
