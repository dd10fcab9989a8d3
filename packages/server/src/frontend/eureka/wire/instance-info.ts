/**
 * `InstanceInfo`: an instance in Eureka's words, the same for JSON and XML. Fields, names and defaults are those of
 * Eureka 2.0.6 (`eureka-client/.../appinfo/InstanceInfo.java`, `LeaseInfo.java`). `read-instance.ts` makes it from what clients send,
 * `write-json.ts` and `write-xml.ts` write it.
 */

export const eurekaStatuses = ['UP', 'DOWN', 'STARTING', 'OUT_OF_SERVICE', 'UNKNOWN'] as const;

export type EurekaStatus = (typeof eurekaStatuses)[number];

/** As clients see an entry of a delta; in lists it says how the instance came to be as it is. */
export type ActionType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface PortInfo {
  /** 0 to 65535. */
  readonly port: number;
  readonly enabled: boolean;
}

/** Names of data centers that Java clients can read; another one would break their whole list. */
export const dataCenters = ['MyOwn', 'Amazon', 'Netflix'] as const;

export type DataCenterName = (typeof dataCenters)[number];

export interface DataCenterInfo {
  readonly name: DataCenterName;
  /** Of `Amazon` only: `instance-id`, `availability-zone` and others. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Durations in seconds, times in milliseconds since the Unix epoch; a time of 0 is not known. */
export interface LeaseInfo {
  readonly renewalIntervalInSecs: number;
  readonly durationInSecs: number;
  readonly registrationTimestamp: number;
  readonly lastRenewalTimestamp: number;
  readonly evictionTimestamp: number;
  readonly serviceUpTimestamp: number;
}

/** Texts that are kept and shown, and mean nothing to the server. */
export const textFields = [
  'appGroupName',
  'homePageUrl',
  'statusPageUrl',
  'healthCheckUrl',
  'secureHealthCheckUrl',
  'vipAddress',
  'secureVipAddress',
  'asgName',
] as const;

export type TextField = (typeof textFields)[number];

export interface InstanceInfo extends Readonly<Partial<Record<TextField, string>>> {
  /** Unique in its app; never empty (`idOf`). */
  readonly instanceId: string;
  readonly hostName: string;
  /** In upper case. */
  readonly app: string;
  readonly ipAddr: string;
  readonly status: EurekaStatus;
  readonly overriddenStatus: EurekaStatus;
  readonly port: PortInfo;
  readonly securePort: PortInfo;
  readonly countryId: number;
  readonly dataCenterInfo: DataCenterInfo;
  readonly leaseInfo: LeaseInfo;
  readonly metadata: Readonly<Record<string, string>>;
  readonly isCoordinatingDiscoveryServer: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly lastUpdatedTimestamp: number;
  /** When the instance itself last changed, by its own clock; the larger one wins a conflict. */
  readonly lastDirtyTimestamp: number;
  readonly actionType?: ActionType;
}

/** Eureka's defaults (`InstanceInfo.DEFAULT_PORT`, `DEFAULT_SECURE_PORT`, `LeaseInfo.DEFAULT_LEASE_*`). */
export const defaults = { port: 7_001, securePort: 7_002, countryId: 1, renewalIntervalInSecs: 30, durationInSecs: 90 } as const;

/** Any status that Eureka does not know is `UNKNOWN` (`InstanceStatus.toEnum`). */
export function statusIn(text: string | undefined): EurekaStatus {
  const upper = text?.toUpperCase();
  return eurekaStatuses.find((status) => status === upper) ?? 'UNKNOWN';
}
