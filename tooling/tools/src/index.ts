export { type ToolsOptions, testTools } from './test-tools.ts'
