/** Completion for bash, 3.2 or newer (https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html). */

import type { CommandEntry } from '../command-table.ts';

/** Without candidates the list is empty, and bash completes file names. */
export function bashCompletion(table: readonly CommandEntry[]): string {
  return `# bash completion of rollcall; made by "rollcall completion bash"

_rollcall() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} at= words= index
    # --option=value arrives as three words.
    if [[ $current == '=' ]]; then
        current=
    elif [[ $previous == '=' ]]; then
        previous=\${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        # Behind it is another program.
        [[ \${COMP_WORDS[index]} == '--' ]] && return
        case "$at \${COMP_WORDS[index]}" in
            ${table.filter(({ path }) => path !== '').map(({ path }) => `' ${path}'`).join(' | ')})
                at="$at \${COMP_WORDS[index]}" ;;
        esac
    done
    case "$at" in
${table.map(branch).join('\n')}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -o bashdefault -o default -F _rollcall rollcall
`;
}

function branch({ path, options, commands, arguments: operands }: CommandEntry): string {
  const names = [...options.flatMap((option) => option.names), '--help'].join(' ');
  const choices = options.filter((option) => option.choices.length > 0);
  const others = options.filter((option) => option.value !== undefined && option.choices.length === 0);
  const values = [
    ...choices.map((option) => `                ${option.names.join(' | ')}) words='${option.choices.join(' ')}' ;;`),
    ...(others.length === 0 ? [] : [`                ${others.flatMap((option) => option.names).join(' | ')}) return ;;`]),
  ];
  const first = commands.length > 0 ? `words='${commands.join(' ')}'` : operands.length > 0 ? 'return' : '';
  const usual = first === '' ? `words='${names}'` : `if [[ $current == -* ]]; then words='${names}'; else ${first}; fi`;
  return `        '${path === '' ? '' : ` ${path}`}')
            case "$previous" in
${[...values, `                *) ${usual} ;;`].join('\n')}
            esac ;;`;
}
