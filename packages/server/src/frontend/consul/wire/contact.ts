/**
 * The two headers by which Consul says how old an answer may be: whether a leader is known, and how many milliseconds ago the
 * server was in contact with it. Here the store is the leader. Answers are kept with the headers of a server that
 * follows its store; while it does not, they get others when they are sent.
 */

const knownLeader = 'X-Consul-Knownleader';
const lastContact = 'X-Consul-Lastcontact';

/** Of a server that follows its store. */
export const inContact: readonly string[] = [knownLeader, 'true', lastContact, '0'];

/**
 * @param head names and values, one after the other
 * @param staleMs `Registry.staleMs`
 * @returns the head itself when it is right
 */
export function withContact(head: readonly string[], staleMs: number): readonly string[] {
  if (staleMs === 0) return head;
  const at = head.indexOf(knownLeader);
  return at < 0 ? head : [...head.slice(0, at), knownLeader, 'false', lastContact, String(staleMs), ...head.slice(at + inContact.length)];
}
