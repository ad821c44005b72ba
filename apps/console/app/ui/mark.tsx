/** The product's mark, in the accent of the page. */
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--mantine-primary-color-filled)" />
      <path
        d="M10 12.5a4 4 0 0 1 4-4h5a3.5 3.5 0 0 1 3.3 2.4M22 19.5a4 4 0 0 1-4 4h-5a3.5 3.5 0 0 1-3.3-2.4M11 14c0 2 10 2 10 4.5"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
    </svg>
  )
}
