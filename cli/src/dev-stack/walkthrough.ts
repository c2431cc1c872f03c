/**
 * What `npm start` prints: the addresses, the admin token, and five commands that show the main
 * job when they are pasted, in order, into another terminal of the checkout.
 */

import { shellAssignment } from '../output.ts';
import { stateFolderOf } from './settings.ts';

export interface Walkthrough {
  readonly controlPlaneUrl: string;
  readonly edgeUrl: string;
  readonly originUrl: string;
  readonly adminToken: string;
  readonly stateFolder: string;
}

export function renderWalkthrough(stack: Walkthrough): string[] {
  // Commands find the running stack by its folder.
  const elsewhere =
    stack.stateFolder === stateFolderOf({})
      ? []
      : [shellAssignment('CARDEA_STATE_FOLDER', stack.stateFolder)];
  const call = `-H "Authorization: Bearer $TOKEN" ${stack.edgeUrl}/v1/notes`;
  return [
    '',
    `  control plane  ${stack.controlPlaneUrl}`,
    `  edge worker    ${stack.edgeUrl}`,
    `  origin         ${stack.originUrl}`,
    `  admin token    ${stack.adminToken}`,
    `  state, logs    ${stack.stateFolder}`,
    '',
    '# Try it: paste these into another terminal, in this folder.',
    ...elsewhere,
    '',
    '# 1. Issue an API key (sets CARDEA_API_KEY and CARDEA_KEY_ID).',
    'eval "$(npx cardea keys issue try-it --actor alice --scopes notes:read,notes:write --format env)"',
    '',
    '# 2. Exchange it for a token that may only read, and lives for ten minutes.',
    'TOKEN=$(npx cardea token --scope notes:read --expires-in 600)',
    '',
    '# 3. Call the API through the edge, which verifies the token offline.',
    `curl -i ${call}`,
    '',
    '# 4. Revoke the key, and with it every token derived from it.',
    'npx cardea keys revoke "$CARDEA_KEY_ID" --reason key_compromise',
    '',
    '# 5. Call again until the edge refuses the token: it learns of the revocation in seconds.',
    `while curl -sfo /dev/null ${call}; do sleep 1; done; curl -i ${call}`,
    '',
    'Ctrl-C stops everything. "npm run reset" clears the state.',
  ];
}
