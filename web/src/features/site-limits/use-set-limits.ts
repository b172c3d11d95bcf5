import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { SiteLimitInput, SiteLimits } from '@/api/types';
import { setSiteLimits, siteLimitsQuery } from './queries';

/** Changes what people have set. The server takes the whole of it, so it is read again first: somebody else may have changed another part. */
export function useSetLimits() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (change: (all: SiteLimits) => SiteLimitInput[]) =>
      setSiteLimits(change(await queryClient.fetchQuery({ ...siteLimitsQuery, staleTime: 0 }))),
    onSuccess: (saved) => {
      queryClient.setQueryData(siteLimitsQuery.queryKey, saved);
      return queryClient.invalidateQueries({ queryKey: ['relays'] });
    },
  });
}
