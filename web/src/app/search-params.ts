// Readers for values from the address bar, where anything may stand. A value that makes no sense is left out.

export function optionalText<K extends string>(name: K, value: unknown): { [key in K]?: string } {
  const text = typeof value === 'number' ? String(value) : value;
  return (typeof text === 'string' && text !== '' ? { [name]: text } : {}) as { [key in K]?: string };
}

export function optionalNumber<K extends string>(name: K, value: unknown): { [key in K]?: number } {
  const number = Number(value);
  return (Number.isInteger(number) && number > 0 ? { [name]: number } : {}) as { [key in K]?: number };
}

/** A path of this site. "//host" and "/\host" are addresses of other sites and are refused. */
export function safePath<K extends string>(name: K, value: unknown): { [key in K]?: string } {
  const safe = typeof value === 'string' && /^\/(?![/\\])/.test(value);
  return (safe ? { [name]: value } : {}) as { [key in K]?: string };
}
