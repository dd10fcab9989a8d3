/** The tables of a simulation. */

const count = (value) => Math.round(value).toLocaleString('en-US');

function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let scaled = value;
  for (; scaled >= 1_000 && unit < units.length - 1; unit++) scaled /= 1_000;
  return `${scaled >= 100 || unit === 0 ? Math.round(scaled) : scaled.toPrecision(3)} ${units[unit]}`;
}

export function headOf({ size, seed, largestCell }) {
  return [
    '# Simulated figures of a large fleet',
    '',
    `**Simulation, seed ${seed}, not a measurement**: ${count(size.instances)} instances in ${count(size.services)} services, ${count(size.clients)} clients,`,
    `${size.nodes} nodes in ${size.cells} cells, the largest with ${count(largestCell)} instances. What runs the registry's own code and what is a model: [README](README.md).`,
    'Figures of one node are the mean of all nodes that there were at the beginning, over the time of the scenario.',
  ].join('\n');
}

export function sectionOf({ title, seconds, simulated, links, facts }, { size, linkNames, seed }) {
  const nodes = (size.nodes / size.cells) * simulated;
  const rows = linkNames.map((name) => {
    const { messages, bytes: sum } = links[name];
    return `| ${name} | ${count(messages)} | ${bytes(sum)} | ${count(messages / seconds / nodes)} | ${bytes(sum / seconds / nodes)}/s |`;
  });
  const told = Object.entries(facts).map(([name, value]) => `| ${name.replace(/^most: /, '')}${name.startsWith('most: ') ? ' (largest)' : ''} | ${count(value)} |`);
  return [
    `## ${title}`, '', `Simulation, seed ${seed}; ${simulated === size.cells ? `all ${size.cells} cells` : `${simulated} of ${size.cells} cells, and the figures are of ${simulated === 1 ? 'that one' : 'those'} alone`}.`, '',
    '| link | messages | bytes | messages/s of one node | bytes/s of one node |', '|---|---:|---:|---:|---:|', ...rows, '',
    '| figure | |', '|---|---:|', ...told,
  ].join('\n');
}
