/** How a request to revoke is refused. */

import type { Problem } from '../../http/problem.ts';
import type { CreateRevocationsOutcome } from '../../revocations/create-revocations.ts';

type Refused = Exclude<CreateRevocationsOutcome, { readonly outcome: 'created' | 'replayed' }>;

/** `nameOf`: how the wish at a place is called in front of a rule, '' for the only one. */
export function revocationProblem(refused: Refused, nameOf: (place: number) => string): Problem {
  switch (refused.outcome) {
    case 'invalid':
      return { code: 'bad_request', message: `${nameOf(refused.place)}${refused.rule}` };
    case 'not_one_of_many':
      return { code: 'bad_request', message: `${nameOf(refused.place)}${NOT_ONE_OF_MANY}` };
    case 'key_not_found':
      return { code: 'api_key_not_found' };
    case 'signing_key_not_found':
      return { code: 'not_found', message: 'There is no such signing key.' };
    case 'other_tenant':
      return { code: 'forbidden', message: OTHER_TENANT };
    case 'already_revoked':
      return { code: 'conflict', message: 'key is already revoked' };
    case 'request_id_reused':
      return { code: 'conflict', message: REQUEST_ID_REUSED };
  }
}

const NOT_ONE_OF_MANY = 'extent: a key is revoked for good by a request of its own';
const OTHER_TENANT = 'subject: must be the tenant that the request acts on';
const REQUEST_ID_REUSED = 'request_id: was used for another request';
