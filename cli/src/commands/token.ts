/** `cardea token`: exchange an API key for a derived token at `/oauth2/token`. */

import type { Command, CommandContext } from '../command.ts';
import { callJson } from '../control-plane-client.ts';
import { endpointOf } from '../endpoint.ts';
import { CommandFailed, UsageError } from '../failure.ts';
import { formatOf, printAnswer } from '../output.ts';

/** `requested_token_type`; nothing for what the server issues by itself. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['jwt', ''],
  ['macaroon', 'urn:cardea:params:oauth:token-type:macaroon'],
]);

export const tokenCommand: Command = {
  words: ['token'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'exchange an API key for a short-lived token, and print the token',
  options: ['endpoint', 'format', 'key', 'scope', 'expires-in', 'type', 'audience'],
  details: [
    'The API key comes from --key, from CARDEA_API_KEY, or from standard input; the last two keep',
    'it out of the list of processes. --scope may be repeated; --expires-in is in seconds.',
    '--type jwt|macaroon   --audience URL of a macaroon: one that an edge is registered for.',
  ],
  async run(context) {
    const format = formatOf(context.options, ['table', 'json']);
    const expiresIn = context.options['expires-in'];
    if (expiresIn !== undefined && !/^[1-9]\d{0,8}$/.test(expiresIn)) {
      throw new UsageError('--expires-in must be a number of seconds, at least 1');
    }
    const type = TYPES.get(context.options.type ?? 'jwt');
    if (type === undefined) throw new UsageError('--type must be jwt or macaroon');
    const { audience } = context.options;
    const scope = context.options.scope?.join(' ');
    const answer = await callJson({
      endpoint: endpointOf(context),
      method: 'POST',
      path: '/oauth2/token',
      form: {
        grant_type: 'client_credentials',
        client_secret: await readApiKey(context),
        ...(scope === undefined ? {} : { scope }),
        ...(expiresIn === undefined ? {} : { expires_in: expiresIn }),
        ...(type === '' ? {} : { requested_token_type: type }),
        ...(audience === undefined ? {} : { audience }),
      },
    });
    if (typeof answer.access_token !== 'string') {
      throw new CommandFailed('the control plane answered without an access_token');
    }
    if (format === 'json') printAnswer(context, 'json', answer);
    else context.print(answer.access_token);
    return 0;
  },
};

async function readApiKey({ options, env, readInput }: CommandContext): Promise<string> {
  const apiKey = (options.key ?? env.CARDEA_API_KEY ?? (await readInput()) ?? '').trim();
  if (apiKey === '') {
    throw new UsageError('no API key: give --key, CARDEA_API_KEY, or standard input');
  }
  return apiKey;
}
