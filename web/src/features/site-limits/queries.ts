import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { SiteLimitInput, SiteLimits } from '@/api/types';

export const siteLimitsQuery = queryOptions({
  queryKey: ['site-limits'],
  queryFn: ({ signal }) => api.get<SiteLimits>('/site-limits', {}, signal),
});

/** Replaces everything that people have set. */
export const setSiteLimits = (items: SiteLimitInput[]) => api.put<SiteLimits>('/site-limits', { items });
