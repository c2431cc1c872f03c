/** Runs the sample API as a process: `node main.ts PORT`. On the loopback address alone. */

import { createSampleApi } from './server.ts';

const port = Number(process.argv[2]);
const server = createSampleApi();
server.on('error', (error) => {
  console.error(`error: the sample API cannot listen on port ${port}: ${error.message}`);
  process.exitCode = 1;
});
server.listen(port, '127.0.0.1');
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
