/** Starts a process of the stack, prints its number, and waits to be killed. Arguments: script, log. */

import { startChild } from '@cardea/cli/dev-stack/child';

const [script = '', logFile = ''] = process.argv.slice(2);
const child = startChild({ name: 'a process', args: [script], cwd: '/', logFile });
console.log(child.pid);
setInterval(() => {}, 1000);
