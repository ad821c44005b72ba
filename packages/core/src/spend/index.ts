/**
 * The ledger as gateways use it: draw money before a request is forwarded, settle it afterwards. The invariants are kept by the
 * database (`packages/db/sql/3-spend.sql` and constraints of its tables); see README.md beside this file.
 */

export { warnOfBalance, warnOfBalances } from './alerts.ts'
export { type AuditReport, auditLedger, type Violation } from './audit.ts'
export { type Keeping, keepBooks, keepBooksOf } from './books.ts'
export { type Draw, draw, type KeyFacts, keyRefusal } from './draw.ts'
export { findKeptResponse, type KeptResponse, keepResponse } from './kept-response.ts'
export { type Settlement, settle, settleBatch } from './settle.ts'
