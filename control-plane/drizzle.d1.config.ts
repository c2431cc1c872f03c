/** `npx drizzle-kit generate --config drizzle.d1.config.ts` writes a migration for a schema change. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/database/schema.d1.ts',
  out: './migrations/d1',
});
