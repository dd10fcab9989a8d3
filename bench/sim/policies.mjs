/** The shipped balancers as the scenarios use them; those that charge failures know the highest cost of a request. */

import {
  c3, leastConnections, leastRequest, peakEwma, prequal, responseTimeWeighted, roundRobin, uniformRandom, weightedRoundRobin,
} from '@rollcall/client';
import { instance } from './cluster.mjs';

/** The deadline of the scenarios, in milliseconds. */
const failureMs = 5000;

const plain = (factory) => ({ balancer: () => factory });

/** With the defaults: answers report, and each request sends a quarter of a probe. */
export const prequalWith = (options = {}) => ({
  reports: true,
  balancer: (probing) => prequal({ failureMs, probing, ...options }),
});

/** As in the paper: only probes, no reports in answers. */
export const prequalPublished = (options = {}) => ({
  reports: false,
  balancer: (probing) => prequal({ failureMs, probing, probesPerRequest: 3, removalsPerRequest: 1, ...options }),
});

/**
 * Weights as in gRPC's weighted round robin (gRFC A58): requests per second ÷ utilisation of the allocation,
 * smoothed, told to all clients once a second. The picker is the shipped EDF one; the weights are computed here.
 */
const weighted = {
  balancer: () => weightedRoundRobin(),
  control() {
    const smoothing = 0.3;
    const before = [];
    const weights = [];
    return {
      everyMs: 1000,
      run(cluster) {
        cluster.servers.forEach(({ used, answered }, index) => {
          const last = before[index] ?? { used: 0, answered: 0 };
          before[index] = { used, answered };
          if (used === last.used) return;
          const weight = (answered - last.answered) / (used - last.used);
          weights[index] = weights[index] === undefined ? weight : weights[index] + smoothing * (weight - weights[index]);
        });
        const known = weights.filter((weight) => weight > 0);
        const mean = known.reduce((sum, weight) => sum + weight, 0) / known.length || 1;
        cluster.setInstances(cluster.servers.map((_, index) => instance(index, Math.max(0.01, (weights[index] ?? mean) / mean))));
      },
    };
  },
};

export const policies = {
  random: plain(uniformRandom()),
  'round robin': plain(roundRobin()),
  'weighted round robin': weighted,
  'least connections': plain(leastConnections()),
  'least request (P2C)': plain(leastRequest()),
  'response-time weighted': plain(responseTimeWeighted({ failureMs })),
  'peak EWMA (P2C)': plain(peakEwma({ failureMs })),
  'C3-style': { reports: true, balancer: () => c3({ failureMs }) },
  'C3-style, τ = 0.3 s': { reports: true, balancer: () => c3({ failureMs, decayMs: 300 }) },
  Prequal: prequalWith(),
};

/** The policies with these names. */
export const some = (...names) => Object.fromEntries(names.map((name) => [name, policies[name]]));
