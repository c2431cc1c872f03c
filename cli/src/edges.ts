/** What the commands about edges share. */

import type { CommandContext } from './command.ts';
import { CommandFailed } from './failure.ts';
import { asJsonObject, textOf } from './json-object.ts';
import { formatOf, printAnswer, shellAssignment } from './output.ts';

export const EDGES = '/v1/admin/edges';

/** What `--format env` prints: for `eval "$(…)"`, or a file of secrets. */
export const ENV_HELP =
  '--format env prints EDGE_ID and EDGE_SECRET: the settings of the edge worker.';

/** Prints an edge with the secret that was just made. It is shown this once. */
export function printEdgeSecret(
  context: CommandContext,
  answer: Readonly<Record<string, unknown>>,
): void {
  const format = formatOf(context.options, ['table', 'json', 'env']);
  const edge = asJsonObject(answer.edge);
  const [id, secret] = [textOf(edge?.edge_id), textOf(answer.secret)];
  if (edge === undefined || id === '' || secret === '') {
    throw new CommandFailed('the control plane answered without an edge');
  }
  if (format === 'json') {
    printAnswer(context, 'json', answer);
  } else if (format === 'env') {
    context.print(shellAssignment('EDGE_ID', id));
    context.print(shellAssignment('EDGE_SECRET', secret));
  } else {
    printAnswer(context, 'table', { ...edge, secret });
  }
}
