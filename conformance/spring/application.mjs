/**
 * An unmodified Spring Cloud application with the discovery client of one registry, for tests: on a free port of loopback, ended with this
 * process, built by Maven once. It calls others by Spring Cloud LoadBalancer without a cache. `GET /hello` answers its id, `/ask/NAME` the id
 * of an instance of that application, `/instances/NAME` the instances that it knows.
 */

import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildJava, startJava } from '../java-program.mjs';

const build = (registry) => buildJava(fileURLToPath(new URL('application', import.meta.url)), `spring-application-${registry}`, [registry]);

/**
 * Why it cannot be built here; undefined when it is there. Builds it when it is missing.
 * @param registry `eureka`, `nacos` or `zookeeper`: the profile of its pom.xml
 */
export function springProblem(registry) {
  return build(registry).problem;
}

/**
 * Starts it and waits until it answers.
 * @param registry as above
 * @param options.name of the application
 * @param options.id that it answers; `NAME:PORT` by default
 * @param options.argsFor the arguments for its registry, given its port and id
 * @returns the program with `url`, `port` and `id`
 */
export async function startSpring(registry, { name, id, argsFor }) {
  const { programs, problem } = build(registry);
  if (problem !== undefined) throw new Error(problem);
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const ownId = id ?? `${name}:${port}`;
  const own = [
    `--server.port=${port}`,
    '--server.address=127.0.0.1',
    '--spring.main.banner-mode=off',
    `--spring.application.name=${name}`,
    '--spring.cloud.loadbalancer.cache.enabled=false',
    `--conformance.id=${ownId}`,
  ];
  const program = await startJava(programs['program.jar'], { args: [...own, ...argsFor(port, ownId)], readyUrl: `${url}/hello` });
  return { ...program, url, port, id: ownId };
}
