/** `cardea keys rotate`: a new API key in the place of one. Its secret is shown this once. */

import { callAsAdmin } from '../admin-call.ts';
import type { Command } from '../command.ts';
import { asJsonObject } from '../json-object.ts';
import {
  CHANGEABLE_HELP,
  CHANGEABLE_OPTIONS,
  changeableFields,
  visibilityField,
} from '../key-fields.ts';
import { issuedKeyPathOf } from '../key-path.ts';
import { KEY_ENV_HELP, printKeyWithSecret } from '../key-secret.ts';
import { formatOf } from '../output.ts';

export const keysRotateCommand: Command = {
  words: ['keys', 'rotate'],
  operands: 'KEY_ID',
  operandCount: { min: 1, max: 1 },
  summary: 'put a new API key in the place of an issued one; its secret is shown this once',
  options: ['endpoint', 'format', 'overlap', 'name', ...CHANGEABLE_OPTIONS, 'visibility'],
  details: [
    '--overlap 24h keeps the old key alive for that long (at most 30d); without, it ends at once.',
    'The new key has the name, scopes, end and so on of the old one, but for what is given:',
    '--name NAME   --visibility secret|public',
    ...CHANGEABLE_HELP,
    KEY_ENV_HELP,
  ],
  async run(context) {
    const { options } = context;
    formatOf(options, ['table', 'json', 'env']);
    const { overlap } = options;
    const json = {
      ...changeableFields(options),
      ...visibilityField(options),
      ...(overlap === undefined ? {} : { overlap }),
    };
    const path = `${issuedKeyPathOf(context)}:rotate`;
    const answer = await callAsAdmin(context, { method: 'POST', path, json });
    const old = asJsonObject(answer.old_issued_api_key);
    const more = { old_key_id: old?.key_id, old_key_end_time: old?.overlap_end_time };
    printKeyWithSecret(context, answer, more);
    return 0;
  },
};
