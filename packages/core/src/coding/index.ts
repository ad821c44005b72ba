export { countPeople, listGroups, listPeople } from './operations.ts'
export { report } from './report.ts'
