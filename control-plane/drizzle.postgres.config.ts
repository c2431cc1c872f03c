/**
 * `npx drizzle-kit generate --config drizzle.postgres.config.ts` writes a migration for a schema change.
 * It knows no UNLOGGED tables: 0000 was completed by hand.
 */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/database/schema.pg.ts', './src/database/publisher-schema.pg.ts'],
  out: './migrations/postgres',
});
