/** `cardea help [command]`: the texts, from the same table that runs the commands. */

import type { Command } from '../command.ts';
import { CONTROL_PLANE_PORT_DEFAULT } from '../dev-stack/settings.ts';

/** The page that lists every command. */
export function renderHelp(commands: readonly Command[]): string[] {
  const titles = commands.map((command) => title(command));
  const width = Math.max(...titles.map((text) => text.length));
  const rows = commands.map(
    (command, i) => `  ${(titles[i] ?? '').padEnd(width)}  ${command.summary}`,
  );
  return [
    'cardea: API keys for the edge',
    '',
    'Usage: cardea <command> [options]',
    '',
    ...rows,
    '',
    'Options',
    '  -e, --endpoint URL    the control plane (or CARDEA_ENDPOINT; otherwise the running',
    `                        local stack, otherwise http://127.0.0.1:${CONTROL_PLANE_PORT_DEFAULT})`,
    '  --format table|json   how the answer is printed',
    '  -h, --help            what a command takes',
    '',
    'The admin token comes from CARDEA_ADMIN_TOKEN, or from the running local stack.',
    'Exit status: 0 done, 1 refused or failed, 2 a wrong command line.',
  ];
}

/** The page of one command. */
export function renderUsage(command: Command): string[] {
  const options = command.options.map((name) => `--${name}`).join(', ');
  return [
    `Usage: cardea ${title(command)}`,
    `  ${command.summary}`,
    ...(options === '' ? [] : [`  Options: ${options}`]),
    ...(command.details ?? []).map((line) => `  ${line}`),
  ];
}

function title(command: Command): string {
  return `${command.words.join(' ')} ${command.operands}`.trimEnd();
}
