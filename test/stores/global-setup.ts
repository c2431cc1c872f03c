/** One PostgreSQL for all the test files of the project: each makes a database of its own in it. */

import type { TestProject } from 'vitest/node';
import { startPostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server: `createDatabase` takes it. */
    readonly postgresServerUrl: string;
  }
}

export default async function setup(project: TestProject) {
  const server = await startPostgresServer();
  project.provide('postgresServerUrl', server.url);
  return server.dispose;
}
