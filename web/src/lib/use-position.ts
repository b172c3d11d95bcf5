import { useEffect, useRef, useState } from 'react';

/** Where a page of a list that goes both ways begins or ends; nothing is the first page. */
export type At = { cursor?: string; before?: string; last?: boolean };

export type Position = {
  at: At;
  /** The number of the page, as far as it is known: nobody counts the pages before the last. */
  page: number | undefined;
  first: () => void;
  last: () => void;
  next: (cursor: string) => void;
  previous: (cursor: string) => void;
};

/** The way through a list that goes both ways. It starts again whenever the filter key changes. */
export function usePosition(filterKey: string): Position {
  const [state, setState] = useState<{ key: string; at: At; page: number | undefined }>({
    key: filterKey,
    at: {},
    page: 1,
  });
  const now = state.key === filterKey ? state : { at: {}, page: 1 };
  const go = (at: At, page: number | undefined) => setState({ key: filterKey, at, page });
  return {
    at: now.at,
    page: now.page,
    first: () => go({}, 1),
    last: () => go({ last: true }, undefined),
    next: (cursor) => go({ cursor }, now.page === undefined ? undefined : now.page + 1),
    // People who came meanwhile are on pages before the first one.
    previous: (before) => go({ before }, now.page === undefined || now.page < 3 ? undefined : now.page - 1),
  };
}

/** Goes to the first page when everything on this one is gone. */
export function useFirstWhenEmpty(
  position: Position,
  query: { data?: { items: unknown[] } | undefined; isPlaceholderData: boolean },
) {
  const empty = query.data?.items.length === 0 && !query.isPlaceholderData;
  const moved = Boolean(position.at.cursor || position.at.before);
  const first = useRef(position.first);
  useEffect(() => {
    first.current = position.first;
  });
  useEffect(() => {
    if (empty && moved) first.current();
  }, [empty, moved]);
}
