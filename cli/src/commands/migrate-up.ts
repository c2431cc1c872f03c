/** `cardea migrate up`: bring the database of `cardea serve` up to date. */

import type { Command } from '../command.ts';
import { MIGRATE_DETAILS, runMigrate } from '../migrate.ts';

export const migrateUpCommand: Command = {
  words: ['migrate', 'up'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'bring the database of "cardea serve" up to date; safe to run again',
  options: [],
  details: MIGRATE_DETAILS,
  run: (context) => runMigrate('up', context),
};
