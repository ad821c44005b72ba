import {
  Badge,
  Button,
  Card,
  type CSSVariablesResolver,
  createTheme,
  Drawer,
  type MantineColorsTuple,
  type MantineThemeOverride,
  Modal,
  Paper,
  Table,
  Tooltip,
} from '@mantine/core'
import { type Accent, dark, gray, palettes } from './palette.ts'

const SYSTEM_FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'
const MONOSPACE_FONTS = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

/** One look for all tenants; the accent is theirs. */
export function themeFor(accent: Accent): MantineThemeOverride {
  return createTheme({
    colors: { ...palettes, gray, dark } as Record<string, MantineColorsTuple>,
    primaryColor: accent,
    primaryShade: { light: 7, dark: 7 },
    black: '#1b1b1f',
    fontFamily: SYSTEM_FONTS,
    fontFamilyMonospace: MONOSPACE_FONTS,
    fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
    headings: {
      fontWeight: '600',
      sizes: {
        h1: { fontSize: '1.375rem', lineHeight: '1.3' },
        h2: { fontSize: '1rem', lineHeight: '1.4' },
        h3: { fontSize: '0.875rem', lineHeight: '1.4' },
      },
    },
    defaultRadius: 'md',
    radius: { sm: '4px', md: '6px', lg: '10px' },
    cursorType: 'pointer',
    focusRing: 'auto',
    respectReducedMotion: true,
    components: {
      Badge: Badge.extend({ defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 500 } }),
      Button: Button.extend({ defaultProps: { size: 'sm' } }),
      Card: Card.extend({ defaultProps: { withBorder: true, radius: 'lg', padding: 'lg' } }),
      Drawer: Drawer.extend({
        defaultProps: { position: 'right', size: 520, overlayProps: { backgroundOpacity: 0.25 } },
      }),
      Modal: Modal.extend({ defaultProps: { centered: true, radius: 'lg' } }),
      Paper: Paper.extend({ defaultProps: { radius: 'lg' } }),
      Table: Table.extend({ defaultProps: { verticalSpacing: 6, horizontalSpacing: 'md', fz: 'sm' } }),
      Tooltip: Tooltip.extend({
        defaultProps: { withArrow: true, openDelay: 200, events: { hover: true, focus: true, touch: true } },
      }),
    },
  })
}

/** Mantine's own choices for text on tints and for dimmed text are below 4.5 to 1; these are above, in both schemes. */
export const cssVariables: CSSVariablesResolver = () => {
  const light: Record<string, string> = {
    '--mantine-color-text': gray[9],
    '--mantine-color-dimmed': gray[6],
    '--mantine-color-placeholder': gray[6],
    '--mantine-color-error': palettes.red[7],
    '--mantine-color-default-border': gray[3],
    '--mantine-color-disabled-color': gray[6],
    '--stipend-page': gray[0],
    '--stipend-surface': '#ffffff',
    '--stipend-line': gray[2],
    '--stipend-hover': gray[1],
  }
  const night: Record<string, string> = {
    '--mantine-color-text': dark[0],
    '--mantine-color-dimmed': dark[2],
    '--mantine-color-placeholder': dark[2],
    '--mantine-color-error': palettes.red[3],
    '--mantine-color-default-border': dark[4],
    '--mantine-color-disabled-color': dark[2],
    '--stipend-page': dark[8],
    '--stipend-surface': dark[7],
    '--stipend-line': dark[5],
    '--stipend-hover': dark[6],
  }
  for (const [name, shades] of Object.entries({ ...palettes, gray })) {
    light[`--mantine-color-${name}-light`] = shades[1]
    light[`--mantine-color-${name}-light-hover`] = shades[2]
    light[`--mantine-color-${name}-light-color`] = shades[8]
    night[`--mantine-color-${name}-light`] = `color-mix(in srgb, ${shades[6]} 22%, transparent)`
    night[`--mantine-color-${name}-light-hover`] = `color-mix(in srgb, ${shades[6]} 32%, transparent)`
    night[`--mantine-color-${name}-light-color`] = shades[3]
    night[`--mantine-color-${name}-text`] = shades[3]
    night[`--mantine-color-${name}-outline`] = shades[3]
  }
  return { variables: {}, light, dark: night }
}
