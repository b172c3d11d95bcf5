export type AttributeRow = { key: string; name: string; value: string };

let made = 0;

/** An empty or filled row of the attributes form; key stays the same while name and value change. */
export function attributeRow(name = '', value = ''): AttributeRow {
  made += 1;
  return { key: `attribute-${made}`, name, value };
}

export function toRows(attributes: Record<string, unknown>): AttributeRow[] {
  return Object.entries(attributes).map(([name, value]) =>
    attributeRow(name, typeof value === 'string' ? value : JSON.stringify(value)),
  );
}

/**
 * The form's rows as attributes. What was not touched keeps its type (a number stays a number), new text is text, and a row without a
 * name is left out.
 */
export function fromRows(rows: AttributeRow[], before: Record<string, unknown>): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const { name, value } of rows) {
    const key = name.trim();
    if (!key) continue;
    attributes[key] = key in before ? retype(value, before[key]) : value;
  }
  return attributes;
}

function retype(text: string, before: unknown): unknown {
  if (typeof before === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
