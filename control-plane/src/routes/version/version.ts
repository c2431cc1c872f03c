import { frame } from '@cardea/shared/bytes/framing';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { sha256 } from '@cardea/shared/crypto/digest';
import type { Deps } from '../../deps.ts';
import type { Route } from '../../http/route.ts';
import { BUILD_TIME, COMMIT, VERSION } from '../../version.ts';
import { versionAnswer } from '../messages/public-answers.ts';

/** GET /version: which build this is, and a hash that tells two configurations apart. */
export function versionRoute(deps: Deps): Route {
  return {
    operationId: 'getVersion',
    summary: 'Which build this is, and a hash that tells two configurations apart.',
    method: 'GET',
    path: '/version',
    surface: 'all',
    permission: 'anonymous',
    isForAnyHost: true,
    answers: { 200: versionAnswer },
    handle: async () =>
      Response.json({
        version: VERSION,
        commit: COMMIT,
        build_time: BUILD_TIME,
        config_hash: await configHash(deps.config),
      }),
  };
}

/** SHA-256 over the settings that are no secrets, by name. */
async function configHash(config: Deps['config']): Promise<string> {
  const settings = Object.entries(config).filter(([, value]) => typeof value !== 'object');
  const texts = settings.map(([name, value]) => `${name}=${value}`).sort();
  return encodeHex(await sha256(frame(...texts)));
}
