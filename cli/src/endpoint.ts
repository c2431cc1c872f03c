/**
 * Which control plane a command talks to, and as whom. Order: the option, the environment, the
 * local stack that runs from this checkout, the default address.
 */

import type { CommandContext } from './command.ts';
import { readDevFile } from './dev-stack/dev-file.ts';
import { CONTROL_PLANE_PORT_DEFAULT, stateFolderOf } from './dev-stack/settings.ts';
import { CommandFailed, UsageError } from './failure.ts';

type Asker = Pick<CommandContext, 'options' | 'env'>;

/** The control plane's address, without a slash at its end. */
export function endpointOf({ options, env }: Asker): string {
  if (options.endpoint !== undefined) return parseEndpoint(options.endpoint);
  const fromEnvironment = env.CARDEA_ENDPOINT;
  if (fromEnvironment !== undefined && fromEnvironment !== '')
    return parseEndpoint(fromEnvironment);
  const running = readDevFile(stateFolderOf(env));
  return running?.control_plane_url ?? `http://127.0.0.1:${CONTROL_PLANE_PORT_DEFAULT}`;
}

/**
 * The admin token for `endpoint`. The local stack's token is given to the local stack alone, so
 * that `-e` with another server does not hand it over.
 */
export function adminTokenOf({ env }: Asker, endpoint: string): string {
  const fromEnvironment = env.CARDEA_ADMIN_TOKEN;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const running = readDevFile(stateFolderOf(env));
  if (running?.control_plane_url === endpoint) return running.admin_token;
  throw new CommandFailed(`set CARDEA_ADMIN_TOKEN to the admin token of ${endpoint}`);
}

/** Refuses what is not an http(s) URL; strips slashes at the end. */
export function parseEndpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new UsageError('the endpoint must be an http or https URL');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
