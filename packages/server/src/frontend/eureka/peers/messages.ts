/**
 * Messages between Eureka servers: batches of changes and their answers
 * (`eureka-core/.../cluster/protocol/ReplicationInstance.java`, `ReplicationInstanceResponse.java`). Instances in them are read and
 * written by `../wire`. It does nothing with them.
 */

import { InstanceError, isFields, readInstance } from '../wire/read-instance.ts';
import { statusIn, type EurekaStatus, type InstanceInfo } from '../wire/instance-info.ts';
import { instanceFields } from '../wire/write-json.ts';
import { instanceXml } from '../wire/write-xml.ts';

export const actions = ['Register', 'Heartbeat', 'Cancel', 'StatusUpdate', 'DeleteStatusOverride'] as const;

export type Action = (typeof actions)[number];

/** One change of one instance. */
export interface Message {
  readonly action: Action;
  /** In any case. */
  readonly app: string;
  readonly id: string;
  /** When the instance last changed, by its own clock. */
  readonly lastDirtyTimestamp?: number;
  /** Heartbeat: what the sender shows. StatusUpdate: the override. DeleteStatusOverride: the status without it. */
  readonly status?: EurekaStatus;
  readonly overriddenStatus?: EurekaStatus;
  /** Of a registration. */
  readonly info?: InstanceInfo;
}

/** What one server answers to one message; with the instance if it has a newer one. */
export interface MessageAnswer {
  readonly status: number;
  readonly info?: InstanceInfo;
}

/** Eureka's servers send 250 at most. */
export const messagesMax = 2_500;

/**
 * @param body parsed JSON
 * @returns each message, or the reason why it is none
 * @throws InstanceError when the body is no batch
 */
export function readBatch(body: unknown): (Message | InstanceError)[] {
  const list = isFields(body) ? body['replicationList'] : undefined;
  if (!Array.isArray(list)) throw new InstanceError('a batch is {"replicationList": [...]}');
  if (list.length > messagesMax) throw new InstanceError(`a batch of ${list.length} changes, the limit is ${messagesMax}`);
  return list.map((entry: unknown) => {
    try {
      return readMessage(entry);
    } catch (error) {
      if (error instanceof InstanceError) return error;
      throw error;
    }
  });
}

function readMessage(entry: unknown): Message {
  if (!isFields(entry)) throw new InstanceError('a change must be an object');
  const action = actions.find((known) => known === entry['action']);
  if (action === undefined) throw new InstanceError(`action is ${JSON.stringify(entry['action'])?.slice(0, 80)}, it must be one of ${actions.join(', ')}`);
  const { appName: app, id } = entry;
  if (typeof app !== 'string' || typeof id !== 'string' || app === '' || id === '') throw new InstanceError('a change needs appName and id');
  const dirty = Number(entry['lastDirtyTimestamp'] ?? Number.NaN);
  const { status, overriddenStatus } = entry;
  const info = action === 'Register' ? readInstance(entry['instanceInfo'], false) : undefined;
  return {
    action,
    app,
    id,
    ...(Number.isSafeInteger(dirty) ? { lastDirtyTimestamp: dirty } : {}),
    ...(typeof status === 'string' ? { status: statusIn(status) } : {}),
    ...(typeof overriddenStatus === 'string' ? { overriddenStatus: statusIn(overriddenStatus) } : {}),
    ...(info === undefined ? {} : { info }),
  };
}

export function batchJson(messages: readonly Message[]): string {
  const replicationList = messages.map(({ app, info, action, ...rest }) => ({
    appName: app,
    ...rest,
    ...(info === undefined ? {} : { instanceInfo: instanceFields(info) }),
    action,
  }));
  return JSON.stringify({ replicationList });
}

/**
 * @param body parsed JSON
 * @param count of the messages that were sent
 * @throws InstanceError when these are not the answers to so many messages
 */
export function readAnswers(body: unknown, count: number): MessageAnswer[] {
  const list = isFields(body) ? body['responseList'] : undefined;
  if (!Array.isArray(list) || list.length !== count) throw new InstanceError(`${count} answers are expected`);
  return list.map((entry: unknown) => {
    const status = isFields(entry) ? Number(entry['statusCode']) : Number.NaN;
    const entity = isFields(entry) ? entry['responseEntity'] : undefined;
    return { status, ...(isFields(entity) ? { info: readInstance(entity, false) } : {}) };
  });
}

export function answersJson(answers: readonly MessageAnswer[]): string {
  const responseList = answers.map(({ status, info }) => ({ statusCode: status, ...(info === undefined ? {} : { responseEntity: instanceFields(info) }) }));
  return JSON.stringify({ responseList });
}

/** Eureka's servers ask for JSON; other callers get the class names of XStream. */
export function answersXml(answers: readonly MessageAnswer[]): string {
  const name = 'com.netflix.eureka.cluster.protocol.ReplicationListResponse';
  const entry = 'com.netflix.eureka.cluster.protocol.ReplicationInstanceResponse';
  const entries = answers.map(
    ({ status, info }) =>
      `    <${entry}>\n      <statusCode>${status}</statusCode>\n${info === undefined ? '' : instanceXml(info, '      ', 'responseEntity')}    </${entry}>\n`,
  );
  return `<${name}>\n  <responseList>\n${entries.join('')}  </responseList>\n</${name}>`;
}
