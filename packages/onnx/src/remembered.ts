/** What was made for the key before; forgotten if making it fails. */
export function remembered<K, V>(
  known: Map<K, Promise<V>>,
  key: K,
  make: () => Promise<V>,
): Promise<V> {
  const before = known.get(key);
  if (before) return before;
  const value = make();
  known.set(key, value);
  value.catch(() => known.delete(key));
  return value;
}
