import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { isEditable } from '@/lib/states';
import { QueryView } from '@/ui/query-view';
import { CampaignEditor } from './campaign-editor';
import { CampaignLive } from './campaign-live';
import { campaignQuery } from './queries';

const route = getRouteApi('/shell/campaigns/$id');

/** A draft is edited here; a campaign that was started is watched here. */
export function CampaignPage() {
  const { id } = route.useParams();
  const query = useQuery(campaignQuery(Number(id)));
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
