declare module '*.module.css' {
  // Which names a file has isn't known to the compiler, and the component library takes no `undefined` for a class.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const classes: Readonly<Record<string, any>>
  export default classes
}

declare module '*.css'
