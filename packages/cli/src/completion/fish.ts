/** Completion for fish (https://fishshell.com/docs/current/completions.html). */

import type { CommandEntry, OptionEntry } from '../command-table.ts';

export function fishCompletion(table: readonly CommandEntry[]): string {
  return `# fish completion of rollcall; made by "rollcall completion fish"

# Whether the words so far name this command, and none below it.
function __rollcall_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        # Behind it is another program.
        test "$word" = --; and return 1
        switch "$at $word"
            case ${table.filter(({ path }) => path !== '').map(({ path }) => `' ${path}'`).join(' ')}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end

${table.flatMap((entry) => command(entry, table)).join('\n')}
`;
}

function command({ path, options, commands, arguments: operands }: CommandEntry, table: readonly CommandEntry[]): string[] {
  const at = `complete -c rollcall -n ${quoted(`__rollcall_at "${path === '' ? '' : ` ${path}`}"`)}`;
  return [
    // File names only where an argument or a value may be one.
    ...(operands.length === 0 || commands.length > 0 ? [`${at} -f`] : []),
    ...commands.map((name) => {
      const below = table.find((each) => each.path === `${path} ${name}`.trim());
      return `${at} -a ${name} -d ${quoted(below?.description ?? '')}`;
    }),
    ...options.map((option) => `${at} ${names(option)} -d ${quoted(option.description)}`),
    `${at} -l help -s h -d 'display help'`,
  ];
}

function names({ names: all, value, choices }: OptionEntry): string {
  const switches = all.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
  if (value === undefined) return switches;
  return choices.length > 0 ? `${switches} -x -a ${quoted(choices.join(' '))}` : `${switches} -r -F`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
