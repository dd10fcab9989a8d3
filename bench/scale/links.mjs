/** Counts messages and bytes by link, and figures that are no traffic by name. */

export const linkNames = ['client → node', 'node → client', 'node → node', 'node → store', 'store → node'];

export class Links {
  links = Object.fromEntries(linkNames.map((name) => [name, { messages: 0, bytes: 0 }]));
  /** @type {Record<string, number>} */
  facts = {};

  /** @param {string} link @param {number} bytes of each message @param {number} [messages] */
  add(link, bytes, messages = 1) {
    const counted = this.links[link];
    counted.messages += messages;
    counted.bytes += bytes * messages;
  }

  /** Adds to a figure. */
  fact(name, by = 1) {
    this.facts[name] = (this.facts[name] ?? 0) + by;
  }

  /** Keeps the largest. */
  most(name, value) {
    this.facts[name] = Math.max(this.facts[name] ?? 0, value);
  }

  /** @param {Links} other @param {number} [times] how often what it counted happens */
  addAll(other, times = 1) {
    for (const name of linkNames) {
      this.links[name].messages += other.links[name].messages * times;
      this.links[name].bytes += other.links[name].bytes * times;
    }
    for (const [name, value] of Object.entries(other.facts)) {
      if (name.startsWith('most: ')) this.most(name, value);
      else this.fact(name, value * times);
    }
  }
}
