/** `cardea migrate status`: what the database of `cardea serve` has had, and what it lacks. */

import type { Command } from '../command.ts';
import { MIGRATE_DETAILS, runMigrate } from '../migrate.ts';

export const migrateStatusCommand: Command = {
  words: ['migrate', 'status'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'list its migrations; ends with 1 if one is pending',
  options: [],
  details: MIGRATE_DETAILS,
  run: (context) => runMigrate('status', context),
};
