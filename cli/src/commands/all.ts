/** The commands, in the order in which `cardea help` shows them. */

import type { Command } from '../command.ts';
import { adminsCreateCommand } from './admins-create.ts';
import { adminsListCommand } from './admins-list.ts';
import { adminsRevokeCommand } from './admins-revoke.ts';
import { adminsRotateCommand } from './admins-rotate.ts';
import { auditExportCommand } from './audit-export.ts';
import { auditListCommand } from './audit-list.ts';
import { auditVerifyCommand } from './audit-verify.ts';
import { devCommand } from './dev.ts';
import { keysIssueCommand } from './keys-issue.ts';
import { keysRevokeCommand } from './keys-revoke.ts';
import { keysVerifyCommand } from './keys-verify.ts';
import { migrateStatusCommand } from './migrate-status.ts';
import { migrateUpCommand } from './migrate-up.ts';
import { resetCommand } from './reset.ts';
import { secretsCommand } from './secrets.ts';
import { serveCommand } from './serve.ts';
import { tenantsCreateCommand } from './tenants-create.ts';
import { tenantsDeleteCommand } from './tenants-delete.ts';
import { tenantsGetCommand } from './tenants-get.ts';
import { tenantsListCommand } from './tenants-list.ts';
import { tenantsUpdateCommand } from './tenants-update.ts';
import { tokenCommand } from './token.ts';
import { versionCommand } from './version.ts';

export const COMMANDS: readonly Command[] = [
  devCommand,
  serveCommand,
  migrateUpCommand,
  migrateStatusCommand,
  resetCommand,
  keysIssueCommand,
  keysVerifyCommand,
  keysRevokeCommand,
  tokenCommand,
  adminsCreateCommand,
  adminsListCommand,
  adminsRotateCommand,
  adminsRevokeCommand,
  tenantsCreateCommand,
  tenantsListCommand,
  tenantsGetCommand,
  tenantsUpdateCommand,
  tenantsDeleteCommand,
  auditListCommand,
  auditExportCommand,
  auditVerifyCommand,
  secretsCommand,
  versionCommand,
];
