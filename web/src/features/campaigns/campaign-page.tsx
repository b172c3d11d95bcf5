import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { isEditable } from '@/lib/states';
import { QueryView } from '@/ui/query-view';
import { CampaignEditor } from './campaign-editor';
import { CampaignLive } from './campaign-live';
import { campaignQuery } from './queries';

const route = getRouteApi('/shell/campaigns/$id');

const SOON_MS = 1_000;
const LATER_MS = 15_000;

/** A draft is edited here; a campaign that was started is watched here. */
export function CampaignPage() {
  const { id } = route.useParams();
  // A campaign that begins by itself turns from the one into the other while somebody looks at it.
  const query = useQuery({
    ...campaignQuery(Number(id)),
    refetchInterval: ({ state: { data } }) =>
      data?.status !== 'scheduled' ? false : data.undoable_until ? SOON_MS : LATER_MS,
  });
  return (
    <QueryView query={query}>
      {(campaign) =>
        isEditable(campaign.status) ? (
          <CampaignEditor key={campaign.id} campaign={campaign} />
        ) : (
          <CampaignLive key={campaign.id} campaign={campaign} />
        )
      }
    </QueryView>
  );
}
