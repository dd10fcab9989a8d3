/** Discovery without a server: a member of a group, and the state machine below it for simulations. */

export { Group } from './group.ts';
export type { GroupSurroundings } from './group.ts';
export type { GroupEvent, GroupOptions } from './group-options.ts';
export { Gateway, gatewayService, originKey } from './gateway.ts';
export type { BridgedRegistry, GatewayOptions, GatewayRegistration } from './gateway.ts';
export type { CatalogChange, InstanceRow } from './catalog.ts';
export type { Clock, Random } from './clock.ts';
export { defaultPort } from './bootstrap/seeds.ts';
export type { Names } from './bootstrap/seeds.ts';
export type { Receivers, Stream, Transport } from './transport/transport.ts';
export { Membership } from './membership/membership.ts';
export type { MembershipOptions, Sizes } from './membership/membership.ts';
export type { Action } from './membership/action.ts';
export type { MemberChange } from './membership/member.ts';
export { lanTiming, tickMs } from './membership/timing.ts';
export type { Timing } from './membership/timing.ts';
export { packetBytes, updateBytes } from './wire/packet.ts';
export type { Address, Head, MemberRecord, MemberState, MemberUpdate, Packet, RowUpdate, Update } from './messages.ts';
