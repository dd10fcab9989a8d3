/** Which configuration a request is about, and which client asks. Versions of the API spell these parameters differently. */

import type { ConfigReader } from '../../../registry/kind/config/given.ts';
import { invalid } from '../names.ts';
import type { Call } from '../request/call.ts';
import { readerOf, rightsName, type ConfigName } from './translate.ts';

export const tenantNames = ['tenant', 'namespaceId'] as const;
export const groupNames = ['group', 'groupName'] as const;

/** @throws RegistryError `invalid_argument`, `permission_denied` */
export function target(call: Call, right: 'read' | 'publish'): ConfigName {
  const { params } = call;
  const name = { namespace: call.namespace(tenantNames), group: checkWord('group', params.required(groupNames)), id: checkWord('dataId', params.required('dataId')) };
  if (right === 'read') call.require(name.namespace, 'config', 'read', rightsName(name));
  else call.require(name.namespace, 'config-publish', 'write', rightsName(name));
  return name;
}

/** As `ParamUtils.isValid` of Nacos: letters, digits and a few signs. */
export function checkWord(name: string, word: string): string {
  if (!/^[\w\-.:]+$/.test(word)) throw invalid(`Param '${name}' is illegal: '${word.slice(0, 80)}' has other characters than letters, digits and -_.:`);
  return word;
}

export function clientOf(call: Call): ConfigReader {
  const tag = call.params.text('tag') || String(call.exchange.request.headers['vipserver-tag'] ?? '');
  return readerOf(call.clientIp, tag);
}
