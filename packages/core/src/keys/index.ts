export { createMany, previewCreateMany } from './create-many.ts'
export { list, listOwn } from './list.ts'
export { disableMany, enableMany, previewMany, revokeMany } from './many.ts'
export { create, disable, enable, get, revoke, update } from './operations.ts'
