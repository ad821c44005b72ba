export { type ChannelHandlers, type Subscription, subscribe, tellGateways } from './channel.ts'
export { type ConnectOptions, close, connect, type Database, ping } from './connect.ts'
export { withLock } from './lock.ts'
export {
  allTenants,
  type DrawRefusal,
  type DrawRow,
  drawLease,
  ensureUsagePartitions,
  type FoundServiceToken,
  findServiceToken,
  giveBackLeases,
  leasesOfGateway,
  type Membership,
  membershipsOfUser,
  reportGateway,
  tenantOfStripeCustomer,
  tenantsWithAutomaticTopUp,
  unsettledPayments,
} from './lookups.ts'
export { type IdentityTx, type PlatformTx, type TenantTx, withIdentity, withPlatform, withTenant } from './scope.ts'
export { type EventKind, EventKinds, type LeaseReturn, settleUsage } from './settle.ts'
