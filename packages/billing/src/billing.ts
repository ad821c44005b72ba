export { run as reconcile } from './reconcile.ts'
export {
  type Billing,
  checkMethod,
  confirm,
  get,
  saveMethod,
  setAlert,
  setAutomatic,
  stopAutomatic,
} from './settings.ts'
