export * from './many.ts'
export * from './operations.ts'
