export { type ChannelHandlers, type Subscription, subscribe, tellGateways } from './channel.ts'
export { type ConnectOptions, close, connect, type Database, ping } from './connect.ts'
export { EventBatch, type EventKind, EventKinds } from './event-batch.ts'
export { withLock } from './lock.ts'
export {
  allTenants,
  type DrawRefusal,
  type DrawRow,
  drawLease,
  dueMails,
  ensureUsagePartitions,
  type FoundServiceToken,
  findInvitation,
  findKey,
  findServiceToken,
  giveBackLeases,
  leasesOfGateway,
  type MailRef,
  type Membership,
  mailsBefore,
  membershipsOfUser,
  reportGateway,
  tenantOfStripeCustomer,
  tenantsOfDomain,
  tenantsWithAutomaticTopUp,
  unsettledPayments,
} from './lookups.ts'
export { type IdentityTx, type PlatformTx, type TenantTx, withIdentity, withPlatform, withTenant } from './scope.ts'
export { type LeaseReturn, settleUsage } from './settle.ts'
