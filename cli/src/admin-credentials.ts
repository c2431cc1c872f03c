/** What the commands about admin credentials share. */

import { parseApiKey } from '@cardea/shared/credential/api-key';
import type { CommandContext } from './command.ts';
import { CommandFailed, UsageError } from './failure.ts';
import { asJsonObject, textOf } from './json-object.ts';
import { formatOf, printAnswer, shellAssignment } from './output.ts';

export const ADMIN_CREDENTIALS = '/v1/admin/credentials';

export const ROLES = ['owner', 'operator', 'issuer', 'auditor'];

/** What `--format env` prints: for `eval "$(…)"`. */
export const ENV_HELP =
  '--format env prints CARDEA_ADMIN_TOKEN and CARDEA_ADMIN_CREDENTIAL_ID for eval "$(…)".';

/** Prints a credential that was just made. Its secret is shown this once. */
export function printMadeCredential(
  context: CommandContext,
  answer: Readonly<Record<string, unknown>>,
): void {
  const format = formatOf(context.options, ['table', 'json', 'env']);
  const credential = asJsonObject(answer.admin_credential);
  const [id, secret] = [textOf(credential?.credential_id), textOf(answer.secret)];
  if (credential === undefined || id === '' || secret === '') {
    throw new CommandFailed('the control plane answered without a credential');
  }
  if (format === 'json') {
    printAnswer(context, 'json', answer);
  } else if (format === 'env') {
    context.print(shellAssignment('CARDEA_ADMIN_TOKEN', secret));
    context.print(shellAssignment('CARDEA_ADMIN_CREDENTIAL_ID', id));
  } else {
    const { name, role, tenant_id, expire_time } = credential;
    const shown = { credential_id: id, name, role, tenant_id, expire_time, secret };
    printAnswer(context, 'table', shown);
  }
}

/** The path of an operation on the credential that is named, or on the one that the command uses. */
export function credentialPath(id: string | undefined, verb: string, adminToken: string): string {
  return `${ADMIN_CREDENTIALS}/${encodeURIComponent(id ?? ownCredentialId(adminToken))}:${verb}`;
}

/** The id stands in the text, readable by whoever holds it. */
function ownCredentialId(adminToken: string): string {
  const parsed = parseApiKey(adminToken);
  if (parsed.ok && parsed.value.unverified.prefix === 'cardea_admin') {
    return parsed.value.unverified.keyId;
  }
  throw new UsageError('name a CREDENTIAL_ID: CARDEA_ADMIN_TOKEN is no admin credential');
}
