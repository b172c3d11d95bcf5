import { QueryClient } from '@tanstack/react-query';
import { Problem, UNREACHABLE } from '@/api/problem';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // An answer, even an error, will be the same again; only silence is worth another try.
        retry: (count, error) => count < 2 && error instanceof Problem && error.status === UNREACHABLE,
      },
    },
  });
}
