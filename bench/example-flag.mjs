/** A flag with five rules in flagd's format, contexts for it, and the same rules as a function: the floor of its evaluation. */

import { bucketOf } from '@rollcall/protocol';

const targeting = {
  if: [
    { ends_with: [{ var: 'email' }, '@example.com'] }, 'staff',
    { and: [{ '==': [{ var: 'tier' }, 'gold'] }, { '>=': [{ var: 'age' }, 18] }] }, 'gold',
    { sem_ver: [{ var: 'version' }, '<', '2.0.0'] }, 'old',
    { in: [{ var: 'country' }, ['NZ', 'IS', 'FO']] }, 'early',
    { fractional: [['a', 10], ['b', 90]] },
  ],
};

/** Definition of the flag `checkout`. */
export const flagDefinition = JSON.stringify({ flags: { checkout: { state: 'ENABLED', variants: { staff: 1, gold: 2, old: 3, early: 4, a: 5, b: 6 }, defaultVariant: 'b', targeting } } });

/** None of the first four rules holds, so that each evaluation goes through all five. */
export const contexts = Array.from({ length: 1_000 }, (_, at) => ({ targetingKey: `user-${at}`, email: `user-${at}@example.org`, tier: 'tin', age: 20 + (at % 50), version: `2.${at % 20}.1`, country: 'DE' }));

export function byHand({ targetingKey, email, tier, age, version, country }) {
  if (email.endsWith('@example.com')) return 1;
  if (tier === 'gold' && age >= 18) return 2;
  if (Number(version.split('.')[0]) < 2) return 3;
  if (['NZ', 'IS', 'FO'].includes(country)) return 4;
  return bucketOf(`checkout${targetingKey}`, 100) < 10 ? 5 : 6;
}
