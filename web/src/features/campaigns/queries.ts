import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from '@/api/client';
import type {
  AbReport,
  Audience,
  AudienceInput,
  Campaign,
  CampaignInput,
  CampaignProgress,
  CampaignSummary,
  Delivery,
  DeliveryStory,
  Exclusion,
  Forecast,
  Gate,
  LinkStat,
  Outcomes,
  Page,
  ReasonCount,
  RerunTo,
  Runs,
  Selection,
  Stats,
  TestResult,
  Timeline,
  Unsubscribe,
  Why,
} from '@/api/types';

export const campaignsQuery = ({ status, cursor }: { status?: string | undefined; cursor?: string | undefined }) =>
  queryOptions({
    queryKey: ['campaigns', 'page', status ?? '', cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<CampaignSummary>>('/campaigns', { status, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const campaignQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id],
    queryFn: ({ signal }) => api.get<Campaign>(`/campaigns/${id}`, {}, signal),
  });
export const statsQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'stats'],
    queryFn: ({ signal }) => api.get<Stats>(`/campaigns/${id}/stats`, {}, signal),
  });
export const audienceQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'audience'],
    queryFn: ({ signal }) => api.get<Audience>(`/campaigns/${id}/audience`, {}, signal),
    staleTime: 0,
  });
/** Counted while somebody chooses: input is its JSON, so that what was asked before is remembered. */
export const draftAudienceQuery = (input: string) =>
  queryOptions({
    queryKey: ['campaigns', 'draft-audience', input],
    queryFn: ({ signal }) => api.post<Audience>('/campaigns/audience', JSON.parse(input) as AudienceInput, { signal }),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
export const selectionQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'selection'],
    queryFn: ({ signal }) => api.get<Selection>(`/campaigns/${id}/selection`, {}, signal),
    retry: false,
  });
/** Why a person, by number or address, got a campaign or not. */
export const whyQuery = (id: number, who: string) =>
  queryOptions({
    queryKey: ['campaigns', id, 'why', who],
    queryFn: ({ signal }) => api.get<Why>(`/campaigns/${id}/audience/${encodeURIComponent(who)}`, {}, signal),
    retry: false,
  });
export const forecastQuery = (id: number, messages?: number, start_at?: string) =>
  queryOptions({
    queryKey: ['campaigns', id, 'forecast', messages ?? 0, start_at ?? ''],
    queryFn: ({ signal }) => api.get<Forecast>(`/campaigns/${id}/forecast`, { messages, start_at }, signal),
    refetchInterval: 60_000,
  });
export const abTestQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'ab-test'],
    queryFn: ({ signal }) => api.get<AbReport>(`/campaigns/${id}/ab-test`, {}, signal),
  });
export const runsQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'runs'],
    queryFn: ({ signal }) => api.get<Runs>(`/campaigns/${id}/runs`, {}, signal),
  });
/** Whom another run would be for; for nobody named, nobody. */
export const runCountQuery = (id: number, to: RerunTo[]) =>
  queryOptions({
    queryKey: ['campaigns', id, 'run-count', to],
    queryFn: ({ signal }) => api.post<{ people: number }>(`/campaigns/${id}/runs/count`, { to }, { signal }),
    enabled: to.length > 0,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
export const gatesQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'gates'],
    queryFn: ({ signal }) => api.get<{ items: Gate[] }>(`/campaigns/${id}/gates`, {}, signal),
  });
export const timelineQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'timeline'],
    queryFn: ({ signal }) => api.get<Timeline>(`/campaigns/${id}/timeline`, {}, signal),
  });
export const linksQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'links'],
    queryFn: ({ signal }) => api.get<{ items: LinkStat[] }>(`/campaigns/${id}/links`, {}, signal),
  });
export const outcomesQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'outcomes'],
    queryFn: ({ signal }) => api.get<Outcomes>(`/campaigns/${id}/outcomes`, {}, signal),
  });
export type DeliveryFilter = { state?: string | undefined; q?: string | undefined };
export const deliveriesQuery = (id: number, filter: DeliveryFilter, cursor?: string) =>
  queryOptions({
    queryKey: ['campaigns', id, 'deliveries', filter, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Delivery>>(`/campaigns/${id}/deliveries`, { ...filter, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const deliveryQuery = (id: number, seq: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'delivery', seq],
    queryFn: ({ signal }) => api.get<DeliveryStory>(`/campaigns/${id}/deliveries/${seq}`, {}, signal),
  });
export type ExclusionFilter = { reason?: string | undefined; q?: string | undefined };
export const exclusionsQuery = (id: number, filter: ExclusionFilter, cursor?: string) =>
  queryOptions({
    queryKey: ['campaigns', id, 'exclusions', filter, cursor ?? ''],
    queryFn: ({ signal }) => api.get<Page<Exclusion>>(`/campaigns/${id}/exclusions`, { ...filter, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const reasonsQuery = (id: number) =>
  queryOptions({
    queryKey: ['campaigns', id, 'reasons'],
    queryFn: ({ signal }) => api.get<{ items: ReasonCount[] }>(`/campaigns/${id}/unsubscribe-reasons`, {}, signal),
  });
export const commentsQuery = (id: number, cursor?: string) =>
  queryOptions({
    queryKey: ['campaigns', id, 'comments', cursor ?? ''],
    queryFn: ({ signal }) =>
      api.get<Page<Unsubscribe>>(`/campaigns/${id}/unsubscribes`, { comment: true, cursor }, signal),
    placeholderData: keepPreviousData,
  });
export const campaignProgressPath = (id: number) => `/campaigns/${id}/progress`;

export const createCampaign = (input: Partial<CampaignInput> & { name: string }) =>
  api.post<Campaign>('/campaigns', input, { idempotent: true });
export const updateCampaign = ({ id, ...input }: CampaignInput & { id: number }) =>
  api.put<Campaign>(`/campaigns/${id}`, input);
export const deleteCampaign = (id: number) => api.del(`/campaigns/${id}`);
/**
 * undoSeconds is the grace period in which it can be called back; with 0 it starts at once. acknowledged: only when it is still what was checked, and all warnings of that are
 * acknowledged.
 */
export const startCampaign = ({
  id,
  undoSeconds,
  acknowledged,
}: {
  id: number;
  undoSeconds: number;
  acknowledged: boolean;
}) =>
  api.post<Campaign>(
    `/campaigns/${id}/start${acknowledged ? '?acknowledged=true' : ''}`,
    { undo_seconds: undoSeconds },
    { idempotent: true },
  );
export const scheduleCampaign = ({ id, ...when }: { id: number } & ({ at: string } | { local_at: string })) =>
  api.post<Campaign>(`/campaigns/${id}/schedule`, when);
export const unscheduleCampaign = (id: number) => api.post<Campaign>(`/campaigns/${id}/unschedule`);
export const createRun = ({ id, ...input }: { id: number; to: RerunTo[]; subject?: string }) =>
  api.post<Campaign>(`/campaigns/${id}/runs`, input, { idempotent: true });
export const decideTest = ({ id, variant }: { id: number; variant: number }) =>
  api.post<Campaign>(`/campaigns/${id}/ab-test/decide`, { variant }, { idempotent: true });
export const pauseCampaign = (id: number) => api.post<Campaign>(`/campaigns/${id}/pause`);
export const resumeCampaign = (id: number) => api.post<Campaign>(`/campaigns/${id}/resume`);
export const cancelCampaign = (id: number) => api.post<Campaign>(`/campaigns/${id}/cancel`);
/** Without a relay each address takes the one that the campaign would take; the variant is one of an A/B test. */
export const sendTest = (input: { id: number; to: string[]; relayId: number | null; variant: number | null }) =>
  api.post<{ results: TestResult[] }>(
    `/campaigns/${input.id}/test`,
    {
      to: input.to,
      ...(input.relayId !== null && { relay_id: input.relayId }),
      ...(input.variant !== null && { variant: input.variant }),
    },
    { idempotent: true },
  );
export const resolveUnconfirmed = ({ id, action }: { id: number; action: 'resend' | 'assume_delivered' }) =>
  api.post<{ changed: number }>(`/campaigns/${id}/unconfirmed`, { action }, { idempotent: true });

/** Puts what the progress stream says where the pages read it. */
export function applyProgress(client: QueryClient, { campaign, stats }: CampaignProgress) {
  client.setQueryData(statsQuery(campaign.id).queryKey, stats);
  client.setQueryData(campaignQuery(campaign.id).queryKey, (known) => known && { ...known, ...campaign });
}
