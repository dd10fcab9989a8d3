/**
 * A real Eureka server and Spring Cloud applications, for tests and benchmarks: on free ports of loopback, ended with this process.
 * Built by Maven once; `eurekaProblem()` says what is missing to build them.
 *
 *   const eureka = await startRealEureka();                                eureka.url, eureka.stop()
 *   const app = await startSpringApplication({ name: 'orders', eurekaUrl: eureka.url });
 */

import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildJava, startJava } from '../java-program.mjs';

const build = (folder) => buildJava(fileURLToPath(new URL(folder, import.meta.url)), `eureka-${folder}`);

/** Why the programs cannot be built here; undefined when they are there. Builds them when they are missing. */
export function eurekaProblem() {
  return build('server').problem ?? build('application').problem;
}

function jarOf(folder) {
  const { programs, problem } = build(folder);
  if (problem !== undefined) throw new Error(problem);
  return programs['program.jar'];
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
  const program = await startJava(jarOf('server'), { ...options, args: [...own, ...args], readyUrl: `${url}/apps` });
  return { ...program, url, port: chosen };
}

/**
 * Starts a Spring Cloud application that registers at a Eureka server, fetches the registry each second and calls others by Spring Cloud
 * LoadBalancer without a cache. `GET /hello` answers its instance id, `/ask/NAME` the id of an instance of that application,
 * `/instances/NAME` the instances that it knows.
 * @param options.name of the application
 * @param options.eurekaUrl of one or several servers, separated by commas, each ending in `/eureka`
 * @param options.id of the instance; `NAME:PORT` by default
 * @param options.renewSeconds between heartbeats, 1 by default; @param options.leaseSeconds 3 by default
 * @param options.args more arguments, which win over these
 */
export async function startSpringApplication({ name, eurekaUrl, id, renewSeconds = 1, leaseSeconds = 3, args = [] }) {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const instanceId = id ?? `${name}:${port}`;
  const own = [
    `--server.port=${port}`,
    '--server.address=127.0.0.1',
    '--spring.main.banner-mode=off',
    `--spring.application.name=${name}`,
    '--spring.cloud.loadbalancer.cache.enabled=false',
    `--eureka.client.service-url.defaultZone=${eurekaUrl.split(',').map((each) => `${each}/`).join(',')}`,
    '--eureka.client.registry-fetch-interval-seconds=1',
    '--eureka.instance.hostname=127.0.0.1',
    '--eureka.instance.ip-address=127.0.0.1',
    `--eureka.instance.instance-id=${instanceId}`,
    `--eureka.instance.lease-renewal-interval-in-seconds=${renewSeconds}`,
    `--eureka.instance.lease-expiration-duration-in-seconds=${leaseSeconds}`,
  ];
  const program = await startJava(jarOf('application'), { args: [...own, ...args], readyUrl: `${url}/hello` });
  return { ...program, url, port, instanceId };
}
