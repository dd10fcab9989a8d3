/**
 * A real Eureka server and Spring Cloud applications that use one, for tests and benchmarks: on free ports of loopback, ended with this process.
 * Built by Maven once; `eurekaProblem()` says what is missing to build them.
 *
 *   const eureka = await startRealEureka();                                eureka.url, eureka.stop()
 *   const app = await startEurekaApplication({ name: 'orders', eurekaUrl: eureka.url });
 */

import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildJava, startJava } from '../java-program.mjs';
import { springProblem, startSpring } from '../spring/application.mjs';

const buildServer = () => buildJava(fileURLToPath(new URL('server', import.meta.url)), 'eureka-server');

/** Why the programs cannot be built here; undefined when they are there. Builds them when they are missing. */
export function eurekaProblem() {
  return buildServer().problem ?? springProblem('eureka');
}

/**
 * Starts a Eureka server and waits until it answers. Its read-only cache is off, which would show every change up to 30 s late.
 * @param options.port fixed, to start it again at the same address; a free one by default
 * @param options.peers URLs of the other servers of its cluster; none by default
 * @param options.evictionMs between two looks for lapsed leases; 1,000 by default, where Eureka's own default is 60,000
 * @param options.args more arguments, which win over these
 * @param options.command, options.heapMb as in `startJava`
 * @returns the program with `url`, which ends in `/eureka`, and `port`
 */
export async function startRealEureka({ port, peers = [], evictionMs = 1_000, args = [], ...options } = {}) {
  const { programs, problem } = buildServer();
  if (problem !== undefined) throw new Error(problem);
  const chosen = port ?? (await freePorts(1))[0];
  const url = `http://127.0.0.1:${chosen}/eureka`;
  const own = [
    `--server.port=${chosen}`,
    '--server.address=127.0.0.1',
    '--spring.main.banner-mode=off',
    '--spring.application.name=eureka',
    // A server takes peers with its own host name for itself, whatever their ports.
    '--eureka.instance.hostname=eureka',
    '--eureka.client.register-with-eureka=false',
    `--eureka.client.fetch-registry=${peers.length > 0}`,
    `--eureka.client.service-url.defaultZone=${peers.length > 0 ? peers.map((peer) => `${peer}/`).join(',') : `${url}/`}`,
    '--eureka.server.use-read-only-response-cache=false',
    '--eureka.server.enable-self-preservation=false',
    `--eureka.server.eviction-interval-timer-in-ms=${evictionMs}`,
    '--eureka.server.wait-time-in-ms-when-sync-empty=0',
  ];
  const program = await startJava(programs['program.jar'], { ...options, args: [...own, ...args], readyUrl: `${url}/apps` });
  return { ...program, url, port: chosen };
}

/**
 * Starts a Spring Cloud application that registers at a Eureka server and fetches the registry each second.
 * @param options.name of the application
 * @param options.eurekaUrl of one or several servers, separated by commas, each ending in `/eureka`
 * @param options.id of the instance; `NAME:PORT` by default
 * @param options.leaseSeconds 3 by default; heartbeats are sent each second
 */
export function startEurekaApplication({ name, eurekaUrl, id, leaseSeconds = 3 }) {
  const argsFor = (port, instanceId) => [
    `--eureka.client.service-url.defaultZone=${eurekaUrl.split(',').map((each) => `${each}/`).join(',')}`,
    '--eureka.client.registry-fetch-interval-seconds=1',
    '--eureka.instance.hostname=127.0.0.1',
    '--eureka.instance.ip-address=127.0.0.1',
    `--eureka.instance.instance-id=${instanceId}`,
    '--eureka.instance.lease-renewal-interval-in-seconds=1',
    `--eureka.instance.lease-expiration-duration-in-seconds=${leaseSeconds}`,
  ];
  return startSpring('eureka', { name, id, argsFor });
}
