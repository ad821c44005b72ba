import { billing, statements, topUps } from '@stipend/billing'
import {
  type AnyOperation,
  allocations,
  audit,
  balance,
  chats,
  coding,
  domains,
  groups,
  imports,
  invitations,
  keys,
  lessons,
  locations,
  members,
  models,
  providers,
  rules,
  search,
  serviceTokens,
  tenants,
  usage,
} from '@stipend/core'

/** Where an operation can be called from. `trpc` is the console's door, `rest` the API's; the operator's tools need neither. */
export type Door = 'trpc' | 'rest'
export type Exposed = { operation: AnyOperation; doors: readonly Door[] }

const everywhere = (operation: AnyOperation): Exposed => ({ operation, doors: ['trpc', 'rest'] })
const consoleOnly = (operation: AnyOperation): Exposed => ({ operation, doors: ['trpc'] })
const operatorOnly = (operation: AnyOperation): Exposed => ({ operation, doors: [] })

/** Everything the product can do, and where. A test compares it with core, with the tRPC router and with the REST routes. */
export const REGISTRY: readonly Exposed[] = [
  everywhere(tenants.get),
  everywhere(tenants.update),
  operatorOnly(tenants.create),

  everywhere(locations.list),
  everywhere(locations.create),
  everywhere(locations.update),
  everywhere(locations.delete),

  everywhere(groups.list),
  everywhere(groups.get),
  everywhere(groups.create),
  everywhere(groups.update),
  everywhere(groups.delete),
  everywhere(groups.addMembers),
  everywhere(groups.removeMembers),
  everywhere(groups.setLeads),

  everywhere(members.list),
  everywhere(members.get),
  everywhere(members.count),
  everywhere(members.create),
  everywhere(members.update),
  everywhere(members.deactivate),
  everywhere(members.reactivate),
  everywhere(members.move),
  everywhere(members.remove),

  everywhere(invitations.send),
  everywhere(invitations.revoke),

  everywhere(domains.list),
  everywhere(domains.set),
  everywhere(domains.remove),

  everywhere(imports.create),
  everywhere(imports.get),
  everywhere(imports.listRows),
  everywhere(imports.update),
  everywhere(imports.run),

  consoleOnly(coding.listPeople),
  consoleOnly(coding.countPeople),
  consoleOnly(coding.listGroups),
  everywhere(coding.report),

  everywhere(chats.list),

  consoleOnly(search.all),

  everywhere(keys.list),
  consoleOnly(keys.listOwn),
  everywhere(keys.get),
  everywhere(keys.create),
  everywhere(keys.previewCreateMany),
  everywhere(keys.createMany),
  everywhere(keys.update),
  everywhere(keys.raise),
  everywhere(keys.revoke),
  everywhere(keys.disable),
  everywhere(keys.enable),
  consoleOnly(keys.previewMany),
  everywhere(keys.revokeMany),
  everywhere(keys.replace),
  consoleOnly(keys.getOwn),
  consoleOnly(keys.getOwnLimits),
  consoleOnly(keys.createOwn),
  consoleOnly(keys.revokeOwn),
  everywhere(keys.disableMany),
  everywhere(keys.enableMany),

  everywhere(lessons.get),
  everywhere(lessons.end),
  everywhere(lessons.pause),
  everywhere(lessons.resume),

  everywhere(allocations.list),
  everywhere(allocations.create),

  everywhere(models.list),

  everywhere(rules.list),
  everywhere(rules.get),
  everywhere(rules.create),
  everywhere(rules.update),
  everywhere(rules.reorder),
  everywhere(rules.delete),
  everywhere(rules.try),

  everywhere(usage.list),
  everywhere(usage.summary),

  everywhere(balance.get),
  everywhere(balance.level),
  everywhere(balance.listLedger),
  everywhere(balance.listPromotions),
  operatorOnly(balance.credit),
  operatorOnly(balance.promote),

  everywhere(topUps.list),
  everywhere(topUps.create),
  everywhere(topUps.get),
  everywhere(topUps.check),
  everywhere(topUps.cancel),
  everywhere(billing.get),
  everywhere(billing.setAutomatic),
  everywhere(billing.stopAutomatic),
  everywhere(billing.setAlert),
  everywhere(billing.saveMethod),
  everywhere(billing.checkMethod),
  everywhere(billing.confirm),

  everywhere(billing.reconcile),
  everywhere(statements.list),
  everywhere(statements.get),

  everywhere(serviceTokens.list),
  everywhere(serviceTokens.create),
  everywhere(serviceTokens.revoke),

  everywhere(audit.list),

  everywhere(providers.list),
  everywhere(providers.listKinds),
  everywhere(providers.get),
  everywhere(providers.create),
  everywhere(providers.update),
  everywhere(providers.rotateCredential),
  everywhere(providers.share),
  everywhere(providers.delete),
  everywhere(providers.tryNew),
  everywhere(providers.tryAgain),
  everywhere(providers.listModels),
  everywhere(providers.setModels),
  everywhere(providers.listPrices),
  everywhere(providers.previewPrices),
  everywhere(providers.importPrices),
  operatorOnly(providers.listMarkups),
  operatorOnly(providers.setMarkup),
]
