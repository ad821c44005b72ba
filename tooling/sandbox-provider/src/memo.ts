/**
 * Remembers the results of a pure function of a string, up to about `capacity` characters of keys. When that much is new, what was
 * not asked for since the last time is forgotten: half of what an LRU costs, and no list to keep.
 *
 * V8 doesn't hash long strings, it compares them, so a look-up by a prompt of 100 KB costs microseconds.
 */
export function memo<Value>(capacity: number, compute: (key: string) => Value): (key: string) => Value {
  let recent = new Map<string, Value>()
  let older = new Map<string, Value>()
  let size = 0
  return (key) => {
    const known = recent.get(key)
    if (known !== undefined) return known

    const value = older.get(key) ?? compute(key)
    // An entry has a cost beyond its key.
    size += key.length + 64
    if (size > capacity) {
      older = recent
      recent = new Map()
      size = key.length + 64
    }
    recent.set(key, value)
    return value
  }
}
