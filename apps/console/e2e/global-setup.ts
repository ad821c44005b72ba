import { startWorld } from './world.ts'

/** Starts the product once for all files; what they need to know of it travels in the environment. */
export default async function setup(): Promise<() => Promise<void>> {
  const { world, stop } = await startWorld()
  process.env.E2E_WORLD = JSON.stringify(world)
  return stop
}
