/** `cardea reset` (`npm run reset`): forget the local stack's keys, databases and secrets. */

import type { Command } from '../command.ts';
import { stateFolderOf } from '../dev-stack/settings.ts';
import { StackFailed } from '../dev-stack/stack-failed.ts';
import { removeStateFolder } from '../dev-stack/state-folder.ts';
import { CommandFailed } from '../failure.ts';

export const resetCommand: Command = {
  words: ['reset'],
  operands: '',
  operandCount: { min: 0, max: 0 },
  summary: 'clear the state of the local stack: keys, databases, secrets',
  options: [],
  async run(context) {
    const folder = stateFolderOf(context.env);
    try {
      const removed = removeStateFolder(folder);
      context.print(removed ? `removed ${folder}` : `nothing to remove at ${folder}`);
      return 0;
    } catch (error) {
      if (error instanceof StackFailed) throw new CommandFailed(error.message);
      throw error;
    }
  },
};
