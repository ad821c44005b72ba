import { vitePlugin as remix } from '@remix-run/dev'
import { defineConfig } from 'vite'

declare module '@remix-run/node' {
  interface Future {
    v3_singleFetch: true
  }
}

export default defineConfig(({ isSsrBuild }) => ({
  // The server half runs on the Node that builds it; the other half in browsers schools really have.
  build: { target: isSsrBuild ? 'node24' : 'es2022', reportCompressedSize: false, chunkSizeWarningLimit: 900 },
  plugins: [
    // Vitest reads this file too and has no use for the router's plugin.
    process.env.VITEST === undefined &&
      remix({
        future: {
          v3_fetcherPersist: true,
          v3_relativeSplatPath: true,
          v3_throwAbortReason: true,
          v3_singleFetch: true,
          v3_lazyRouteDiscovery: true,
          // Without it the first page of a cold `vite:dev` doesn't hydrate.
          unstable_optimizeDeps: true,
        },
        ignoredRouteFiles: ['**/*.test.ts'],
      }),
  ],
  // Mantine's ES modules import CSS-free files by bare paths Node can't resolve on its own.
  ssr: { noExternal: [/^@mantine\//, /^@tabler\//] },
}))
