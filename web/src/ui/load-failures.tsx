import type { UseQueryResult } from '@tanstack/react-query';
import { ErrorState } from './error-state';

type Query = Pick<UseQueryResult, 'data' | 'error' | 'refetch'>;

/** Those of several questions that have no answer and will not get one by themselves. */
export const failedOf = (queries: Query[]) => queries.filter((query) => query.error && query.data === undefined);

/** Says what could not be loaded, where nothing to choose from would look like there is nothing; tries all of it again. */
export function LoadFailures({ queries }: { queries: Query[] }) {
  const failed = failedOf(queries);
  if (!failed[0]) return null;
  const retry = () => {
    for (const query of failed) void query.refetch();
  };
  return <ErrorState error={failed[0].error} onRetry={retry} />;
}
