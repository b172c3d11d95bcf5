/** On which sides of a row that scrolls something is cut off. */
export function moreBeside(row: Pick<HTMLElement, 'scrollLeft' | 'clientWidth' | 'scrollWidth'>) {
  // Positions are fractions on screens that are zoomed: a pixel more or less is the edge.
  const start = row.scrollLeft > 1;
  const end = row.scrollLeft + row.clientWidth < row.scrollWidth - 1;
  if (start && end) return 'both';
  return start ? 'start' : end ? 'end' : undefined;
}
