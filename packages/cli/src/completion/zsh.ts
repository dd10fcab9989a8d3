/** Completion for zsh, by its function `_arguments` (https://zsh.sourceforge.io/Doc/Release/Completion-System.html). */

import type { CommandEntry, OptionEntry } from '../command-table.ts';

export function zshCompletion(table: readonly CommandEntry[]): string {
  return `#compdef rollcall
# zsh completion of rollcall; made by "rollcall completion zsh"

${table.map((entry) => command(entry, table)).join('\n\n')}

# Both as a file in $fpath and by eval.
if [[ $funcstack[1] == _rollcall ]]; then _rollcall "$@"; else compdef _rollcall rollcall; fi
`;
}

function command(entry: CommandEntry, table: readonly CommandEntry[]): string {
  const { path, options, commands, arguments: operands } = entry;
  const specs = [...options.flatMap(optionSpecs), quoted('(- *)--help[display help]')];
  if (commands.length === 0) {
    const rest = operands.length === 0 ? [] : [quoted('*:argument:_files')];
    return `${nameOf(path)}() {\n    _arguments \\\n${lines([...specs, ...rest])}\n}`;
  }
  const described = commands.map((name) => {
    const below = table.find((each) => each.path === `${path} ${name}`.trim());
    return quoted(`${name}:${below?.description ?? ''}`);
  });
  const calls = commands.map((name) => `                ${name}) ${nameOf(`${path} ${name}`.trim())} ;;`);
  return `${nameOf(path)}() {
    local state line
    local -a commands=(
${described.map((each) => `        ${each}`).join('\n')}
    )
    _arguments -C \\
${lines([...specs, quoted('1:command:->command'), quoted('*::argument:->argument')])}
    case $state in
        command) _describe command commands ;;
        argument)
            case $line[1] in
${calls.join('\n')}
            esac ;;
    esac
}`;
}

function nameOf(path: string): string {
  return `_rollcall${path === '' ? '' : `_${path.replaceAll(/[ -]/g, '_')}`}`;
}

/** `--level=[how much]:level:(info warn)`; one for each name. */
function optionSpecs({ names, description, value, choices }: OptionEntry): string[] {
  const text = description.replaceAll(/[[\]\\]/g, '\\$&');
  const after = value === undefined ? '' : `:${value.replaceAll(':', '\\:')}:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}`;
  // "=" lets both --name=value and --name value be completed.
  return names.map((name) => quoted(`*${name}${value !== undefined && name.startsWith('--') ? '=' : ''}[${text}]${after}`));
}

function lines(specs: readonly string[]): string {
  return specs.map((spec) => `        ${spec}`).join(' \\\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
