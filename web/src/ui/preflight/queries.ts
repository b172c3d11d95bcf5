import { queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import { Problem } from '@/api/problem';
import type { Preflight } from '@/api/types';

const NOT_FOUND = 404;

/** What the last check of a campaign found; null when it was never checked. Settings that were changed elsewhere make it old, so it is always asked for anew. */
export const preflightQuery = (campaignId: number) =>
  queryOptions({
    queryKey: ['campaigns', campaignId, 'preflight'],
    queryFn: async ({ signal }): Promise<Preflight | null> => {
      try {
        return await api.get<Preflight>(`/campaigns/${campaignId}/preflight`, {}, signal);
      } catch (error) {
        if (error instanceof Problem && error.status === NOT_FOUND) return null;
        throw error;
      }
    },
    staleTime: 0,
  });

export const runPreflight = (campaignId: number) => api.post<Preflight>(`/campaigns/${campaignId}/preflight`);
export const acknowledgeFindings = ({ campaignId, codes }: { campaignId: number; codes: string[] }) =>
  api.post<Preflight>(`/campaigns/${campaignId}/preflight/acknowledge`, { codes });
