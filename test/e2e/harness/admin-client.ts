/** Ory's own client, unmodified: what an administrator's program uses. */

import { ApiKeysApi, Configuration } from '@ory/client-fetch';

export function createAdminClient(access: {
  readonly controlPlaneUrl: string;
  readonly adminToken: string;
}): ApiKeysApi {
  const { controlPlaneUrl: basePath, adminToken: accessToken } = access;
  return new ApiKeysApi(new Configuration({ basePath, accessToken }));
}
