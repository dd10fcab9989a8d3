/** `/status` and `/serverinfo/statusoverrides`: what Eureka's server says of itself (`StatusInfo`, `ServerInfoResource`). */

import { availableParallelism, totalmem } from 'node:os';
import type { Context } from '../../net/frontend.ts';
import { appOf } from './names.ts';
import { statusIn, type InstanceInfo } from './wire/instance-info.ts';
import { instanceFields } from './wire/write-json.ts';
import { element, instanceXml } from './wire/write-xml.ts';

const mb = (bytes: number) => `${Math.round(bytes / 1_048_576)}mb`;

/** This server as an instance: its name and its HTTP port. */
function ownInfo({ identity, clock }: Context, startedMs: number): InstanceInfo {
  const { address, nodeName, httpPort, httpsPort } = identity;
  const app = appOf('rollcall');
  return {
    ...{ instanceId: `${nodeName}:rollcall:${httpPort}`, hostName: address, app, ipAddr: address, status: statusIn('UP'), overriddenStatus: 'UNKNOWN' },
    port: { port: httpPort, enabled: httpPort > 0 },
    securePort: { port: httpsPort, enabled: httpsPort > 0 },
    countryId: 1,
    dataCenterInfo: { name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90, registrationTimestamp: startedMs, lastRenewalTimestamp: clock.now(), evictionTimestamp: 0, serviceUpTimestamp: startedMs },
    metadata: {},
    vipAddress: 'rollcall',
    isCoordinatingDiscoveryServer: false,
    lastUpdatedTimestamp: startedMs,
    lastDirtyTimestamp: startedMs,
  };
}

/** @param startedMs when the front end was made, since the Unix epoch */
export function statusPage(context: Context, json: boolean, startedMs: number): string {
  const used = process.memoryUsage().rss;
  const total = totalmem();
  const minutes = Math.floor((context.clock.now() - startedMs) / 60_000);
  const two = (number: number) => String(number).padStart(2, '0');
  const general: readonly (readonly [string, string])[] = [
    ['num-of-cpus', String(availableParallelism())],
    ['total-avail-memory', mb(total)],
    ['current-memory-usage', `${mb(used)} (${Math.round((100 * used) / total)}%)`],
    ['server-uptime', `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`],
  ];
  // There are no replicas: the nodes of a store are one registry.
  const replicas: readonly (readonly [string, string])[] = [['registered-replicas', ''], ['available-replicas', ''], ['unavailable-replicas', '']];
  const info = ownInfo(context, startedMs);
  if (json) return JSON.stringify({ generalStats: Object.fromEntries(general), applicationStats: Object.fromEntries(replicas), instanceInfo: instanceFields(info) });
  const lines = (pairs: typeof general) => pairs.map(([name, text]) => element('    ', name, text)).join('');
  const name = 'com.netflix.eureka.util.StatusInfo';
  return `<${name}>\n  <generalStats>\n${lines(general)}  </generalStats>\n  <applicationStats>\n${lines(replicas)}  </applicationStats>\n${instanceXml(info, '  ', 'instanceInfo')}</${name}>\n`;
}
