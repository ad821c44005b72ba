export {
  create,
  delete,
  get,
  list,
  listKinds,
  listModels,
  listPrices,
  rotateCredential,
  setModels,
  share,
  update,
} from './operations.ts'
export { listMarkups, setMarkup } from './platform.ts'
export { importPrices, previewPrices } from './prices.ts'
export { tryAgain, tryNew } from './trying.ts'
