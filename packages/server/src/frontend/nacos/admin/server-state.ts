/** What a Nacos server says about itself. Clients and scripts ask for it before they do anything else. */

import { servicesOf } from '../../../registry/kind/catalog/service-index.ts';
import { configLimits } from '../../../registry/kind/config/commands.ts';
import type { Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';

/** The version whose API this is; clients compare it. */
const version = '3.1.0';

/** `GET ns/operator/metrics` */
export function metrics(call: Call): Returned {
  if (call.params.flag('onlyStatus', true)) return { status: 'UP' };
  return { status: 'UP', serviceCount: servicesOf(call.context.registry.state).size };
}

/** `GET ns/operator/switches`: those that mean something here. */
export function switches(): Returned {
  return {
    ...{ name: '00-00---000-NACOS_SWITCH_DOMAIN-000---00-00', masters: null, adWeightMap: {}, defaultPushCacheMillis: 10_000, clientBeatInterval: 5_000 },
    ...{ defaultCacheMillis: 3_000, distroThreshold: 0.7, healthCheckEnabled: true, distroEnabled: true, enableStandalone: true, pushEnabled: true, checkTimes: 3 },
    ...{ lightBeatEnabled: true, defaultInstanceEphemeral: true, enableAuthentication: false, overriddenServerStatus: null, checksum: null },
  };
}

/** `GET console/server/state`, `GET core/state` */
export function state({ context: { security } }: Call): Returned {
  return {
    ...{ version, startup_mode: 'standalone', function_mode: null, server_port: '8848', auth_enabled: String(security.acl.enabled), auth_system_type: 'rollcall' },
    ...{ maxContent: String(configLimits.contentBytesMax), config_retention_days: '30', console_ui_enabled: 'false', login_page_enabled: 'false' },
  };
}

/** Liveness and readiness: the process answers. */
export function alive(): Returned {
  return 'ok';
}

export function aliveCapital(): Returned {
  return 'OK';
}
