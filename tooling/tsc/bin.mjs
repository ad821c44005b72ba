#!/usr/bin/env node
// Type checks run on the native compiler; every package keeps `typescript` 5.9 for the tools that need its API.
await import(new URL('./bin/tsc', import.meta.resolve('typescript/package.json')).href)
