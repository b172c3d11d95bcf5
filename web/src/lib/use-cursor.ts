import { useState } from 'react';

export type Cursor = {
  current: string | undefined;
  page: number;
  next: (cursor: string) => void;
  previous: () => void;
};

/** The way through a cursor-paged list: the cursors gone through so far. It starts again whenever the filter key changes. */
export function useCursor(filterKey: string): Cursor {
  const [state, setState] = useState<{ key: string; trail: string[] }>({ key: filterKey, trail: [] });
  const trail = state.key === filterKey ? state.trail : [];
  return {
    current: trail.at(-1),
    page: trail.length + 1,
    next: (cursor) => setState({ key: filterKey, trail: [...trail, cursor] }),
    previous: () => setState({ key: filterKey, trail: trail.slice(0, -1) }),
  };
}
