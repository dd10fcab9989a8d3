/**
 * The test bed of the Prequal paper (NSDI 2024, §5): servers that are each allocated a tenth of a machine, among
 * antagonists that use the rest. The paper describes the requests exactly, but not the machines; this is our model
 * of them, fitted to the paper's measurements of round robin and weighted round robin, as `README.md` explains.
 */

const coresAllocated = 10;
const meanWorkMs = 75;

/** Normal deviate by Box and Muller. */
export function normal(mean, deviation, random) {
  return mean + deviation * Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
}

/** A normal deviate whose deviation is its mean, cut off below 0, has 1.2876 times that mean. */
const normalMean = meanWorkMs / 1.2876;

function work(random) {
  for (;;) {
    const drawn = normal(normalMean, normalMean, random);
    if (drawn > 0) return drawn;
  }
}

/**
 * @param {object} set
 * @param {number} set.load share of what is allocated: 1 is 10 cores of speed 1 for each server
 * @param {(place: number) => number} [set.speed] of a server, by its place from 0 to 1
 * @param {Machines} [set.machines]
 */
export function prequalModel({ servers = 100, clients = 100, load, seconds, warmUpSeconds, speed = speedOf, machines = contended }) {
  return {
    servers, clients, seconds, warmUpSeconds, work,
    deadlineMs: 5000,
    perSecond: (servers * coresAllocated * load) / (meanWorkMs / 1000),
    host: (server, random) => ({ speed: speed(server / servers), cores: machines.cores(random, undefined) }),
    flicker: { everyMs: machines.everyMs, cores: (random, server, before) => machines.cores(random, before) },
  };
}

/** A tenth of the machines is slow, a fifth somewhat: other generations, neighbours in the caches. */
const speedOf = (place) => (place < 0.1 ? 0.55 : place < 0.3 ? 0.8 : 1);

/**
 * @typedef {object} Machines
 * @property {number} everyMs
 * @property {(random: import('@rollcall/client').SeededRandom, before: number | undefined) => number} cores for the next `everyMs`
 */

/**
 * The antagonists want the whole machine in spells of five seconds on average, half of the time: then a server gets a
 * little less than its allocation; otherwise it can have more than twice its allocation. All servers together have 1.4
 * times the allocation. @type {Machines}
 */
export const contended = {
  everyMs: 100,
  cores(random, before) {
    const changes = before === undefined ? 0.5 : 0.1 / 5;
    const isContended = before !== undefined && before < coresAllocated;
    return coresAllocated * (isContended !== random.fraction() < changes ? 0.85 : 2.2);
  },
};

/** Every half second another share, from 0.6 to 2.4 of the allocation: nothing lasts long enough to fill a queue. @type {Machines} */
export const flickering = {
  everyMs: 500,
  cores: (random) => coresAllocated * (0.6 + 1.8 * random.fraction()),
};
