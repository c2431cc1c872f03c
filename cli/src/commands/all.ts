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
import { edgesCreateCommand } from './edges-create.ts';
import { edgesGetCommand } from './edges-get.ts';
import { edgesListCommand } from './edges-list.ts';
import { edgesRevokeCommand } from './edges-revoke.ts';
import { edgesRotateCommand } from './edges-rotate.ts';
import { feedCommand } from './feed.ts';
import { feedCanaryCommand } from './feed-canary.ts';
import { keysDeleteCommand } from './keys-delete.ts';
import { keysDeriveCommand } from './keys-derive.ts';
import { keysDisableCommand } from './keys-disable.ts';
import { keysEnableCommand } from './keys-enable.ts';
import { keysGetCommand } from './keys-get.ts';
import { keysImportCommand } from './keys-import.ts';
import { keysImportBatchCommand } from './keys-import-batch.ts';
import { keysIssueCommand } from './keys-issue.ts';
import { keysListCommand } from './keys-list.ts';
import { keysRevokeCommand } from './keys-revoke.ts';
import { keysRotateCommand } from './keys-rotate.ts';
import { keysSelfRevokeCommand } from './keys-self-revoke.ts';
import { keysUpdateCommand } from './keys-update.ts';
import { keysVerifyCommand } from './keys-verify.ts';
import { migrateStatusCommand } from './migrate-status.ts';
import { migrateUpCommand } from './migrate-up.ts';
import { resetCommand } from './reset.ts';
import { revocationsGetCommand } from './revocations-get.ts';
import { revocationsListCommand } from './revocations-list.ts';
import { revokeActorCommand } from './revoke-actor.ts';
import { revokeEverythingCommand } from './revoke-everything.ts';
import { revokeKeyCommand } from './revoke-key.ts';
import { revokeSigningKeyCommand } from './revoke-signing-key.ts';
import { revokeTenantCommand } from './revoke-tenant.ts';
import { revokeTokenCommand } from './revoke-token.ts';
import { secretsCommand } from './secrets.ts';
import { serveCommand } from './serve.ts';
import { signingKeysListCommand } from './signing-keys-list.ts';
import { signingKeysRotateCommand } from './signing-keys-rotate.ts';
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
  keysGetCommand,
  keysListCommand,
  keysUpdateCommand,
  keysRotateCommand,
  keysDisableCommand,
  keysEnableCommand,
  keysRevokeCommand,
  keysSelfRevokeCommand,
  keysDeriveCommand,
  keysImportCommand,
  keysImportBatchCommand,
  keysDeleteCommand,
  tokenCommand,
  revokeTokenCommand,
  revokeKeyCommand,
  revokeActorCommand,
  revokeTenantCommand,
  revokeSigningKeyCommand,
  revokeEverythingCommand,
  revocationsListCommand,
  revocationsGetCommand,
  feedCanaryCommand,
  feedCommand,
  signingKeysListCommand,
  signingKeysRotateCommand,
  adminsCreateCommand,
  adminsListCommand,
  adminsRotateCommand,
  adminsRevokeCommand,
  tenantsCreateCommand,
  tenantsListCommand,
  tenantsGetCommand,
  tenantsUpdateCommand,
  tenantsDeleteCommand,
  edgesCreateCommand,
  edgesListCommand,
  edgesGetCommand,
  edgesRotateCommand,
  edgesRevokeCommand,
  auditListCommand,
  auditExportCommand,
  auditVerifyCommand,
  secretsCommand,
  versionCommand,
];
