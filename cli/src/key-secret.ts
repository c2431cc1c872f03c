/** How a key that was just made is printed. Its secret is shown this once. */

import type { CommandContext } from './command.ts';
import { CommandFailed } from './failure.ts';
import { asJsonObject, textOf } from './json-object.ts';
import { formatOf, printAnswer, printable, shellAssignment } from './output.ts';

export const KEY_ENV_HELP = '--format env prints CARDEA_API_KEY and CARDEA_KEY_ID for eval "$(…)".';

/** Prints the key of `answer` and its secret; `more` is shown in the table between the two. */
export function printKeyWithSecret(
  context: CommandContext,
  answer: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const format = formatOf(context.options, ['table', 'json', 'env']);
  const key = asJsonObject(answer.issued_api_key);
  const keyId = textOf(key?.key_id);
  if (typeof answer.secret !== 'string' || key === undefined || keyId === '') {
    throw new CommandFailed('the control plane answered without a key');
  }
  const { secret } = answer;
  if (secret === '') {
    // The answer to a request_id that was used before: the server keeps no secret.
    const text = `this request made ${printable(keyId)} before; its secret is stored nowhere`;
    if (format === 'env') throw new CommandFailed(text);
    context.complain(`cardea: ${text}`);
  }
  if (format === 'json') {
    printAnswer(context, 'json', answer);
  } else if (format === 'env') {
    context.print(shellAssignment('CARDEA_API_KEY', secret));
    context.print(shellAssignment('CARDEA_KEY_ID', keyId));
  } else {
    const { key_id, name, actor_id, scopes, expire_time } = key;
    printAnswer(context, 'table', { key_id, name, actor_id, scopes, expire_time, ...more, secret });
  }
}
