/** `cardea keys derive`: derive a token as an admin, with claims of one's own. Prints the token. */

import { callAsAdmin } from '../admin-call.ts';
import { listOf } from '../comma-list.ts';
import type { Command, OptionValues } from '../command.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { asJsonObject, textOf } from '../json-object.ts';
import { jsonObjectOf } from '../key-fields.ts';
import { formatOf, printAnswer } from '../output.ts';
import { CREDENTIAL_HELP, readCredential } from '../presented-credential.ts';

export const keysDeriveCommand: Command = {
  words: ['keys', 'derive'],
  operands: '[-]',
  operandCount: { min: 0, max: 1 },
  summary: 'derive a token from an API key, or a narrower one from a token, and print it',
  options: ['endpoint', 'format', 'algorithm', 'ttl', 'scopes', 'claims', 'audience'],
  details: [
    ...CREDENTIAL_HELP,
    '--algorithm jwt|macaroon   --ttl 10m   --scopes a,b (default: all that the credential has)',
    '--audience URL of a macaroon: one that an edge is registered for.',
    '--claims a JSON object. It is an admin who derives; who holds a key alone uses "cardea token".',
  ],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const terms = termsOf(context.options);
    const json = { credential: await readCredential(context), ...terms };
    const path = '/v2alpha1/admin/apiKeys:derive';
    const answer = await callAsAdmin(context, { method: 'POST', path, json });
    const token = textOf(asJsonObject(answer.token)?.token);
    if (token === '') throw new CommandFailed('the control plane answered without a token');
    if (format === 'json') printAnswer(context, 'json', answer);
    else context.print(token);
    return 0;
  },
};

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['jwt', 'TOKEN_ALGORITHM_JWT'],
  ['macaroon', 'TOKEN_ALGORITHM_MACAROON'],
]);

function termsOf({ algorithm: name = 'jwt', audience, claims, scopes, ttl }: OptionValues) {
  const algorithm = ALGORITHMS.get(name);
  if (algorithm === undefined) throw new UsageError('--algorithm must be jwt or macaroon');
  const list = scopes === undefined ? undefined : listOf(scopes);
  // To the server an empty list means every scope: an empty variable must not ask for that.
  if (list?.length === 0) throw new UsageError('--scopes is empty');
  return {
    algorithm,
    ...(audience === undefined ? {} : { audience }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(list === undefined ? {} : { scopes: list }),
    ...(claims === undefined ? {} : { custom_claims: jsonObjectOf(claims, '--claims') }),
  };
}
