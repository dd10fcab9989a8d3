/** Choices among members: at random, and which unreachable addresses are worth an attempt. Pure. */

import type { Random } from '../clock.ts';
import { sameAddress, type Address } from '../messages.ts';
import { isLiving, type TableMember } from './member.ts';

/** Up to `count` different members that fit. */
export function drawMembers(members: Iterable<TableMember>, count: number, random: Random, fits: (member: TableMember) => boolean): TableMember[] {
  const fitting: TableMember[] = [];
  for (const member of members) if (fits(member)) fitting.push(member);
  for (let drawn = 0; drawn < count && drawn < fitting.length; drawn++) {
    const other = drawn + Math.floor(random() * (fitting.length - drawn));
    [fitting[drawn], fitting[other]] = [fitting[other] as TableMember, fitting[drawn] as TableMember];
  }
  return fitting.slice(0, count);
}

/** Addresses of dead members, and of seeds at which no living member is known. */
export function lostAddresses(members: Iterable<TableMember>, seeds: readonly Address[], self: Address): Address[] {
  const living = [self];
  const lost: Address[] = [];
  for (const member of members) {
    if (isLiving(member)) living.push(member.address);
    else if (member.state === 'dead') lost.push(member.address);
  }
  return [...lost, ...seeds.filter((seed) => !living.some((address) => sameAddress(address, seed)))];
}
