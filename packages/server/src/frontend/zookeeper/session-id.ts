/**
 * Sessions have a number of 64 bits for their clients, and an id of the form of a UUID in the registry. Each follows from the other, so the
 * owner of an ephemeral znode can be shown without a search. Pure.
 */

const rest = '-0000-000000000000';

/** A random number from a random UUID; positive, and never one of those that ZooKeeper gives to containers and znodes with a TTL. */
export function numberFrom(uuid: string): bigint {
  const random = BigInt(`0x${uuid.replaceAll('-', '').slice(0, 16)}`);
  return (random & 0x00ff_ffff_ffff_ffffn) | 0x0100_0000_0000_0000n;
}

export function idOf(number: bigint): string {
  const hex = BigInt.asUintN(64, number).toString(16).padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12)}${rest}`;
}

/** 0 for the id of a session of another protocol. */
export function numberOf(id: string): bigint {
  if (!id.endsWith(rest)) return 0n;
  return BigInt.asIntN(64, BigInt(`0x${id.slice(0, -rest.length).replaceAll('-', '')}`));
}

/** As ZooKeeper prints it: `0x100003199220000`. */
export function shownNumber(number: bigint): string {
  return `0x${BigInt.asUintN(64, number).toString(16)}`;
}
