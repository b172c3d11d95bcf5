import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { Campaign } from '@/api/types';
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
    // The form begins with it, so an answer from a moment ago is not enough.
    staleTime: 0,
    refetchInterval: ({ state: { data } }) =>
      data?.status !== 'scheduled' ? false : data.undoable_until ? SOON_MS : LATER_MS,
  });
  return <QueryView query={query}>{(campaign) => <Shown key={campaign.id} campaign={campaign} />}</QueryView>;
}

function Shown({ campaign }: { campaign: Campaign }) {
  const editable = isEditable(campaign.status);
  // The editor stays until nothing that was written in it would be lost.
  const [editing, setEditing] = useState(editable);
  if (!editable && !editing) return <CampaignLive campaign={campaign} />;
  return <CampaignEditor campaign={campaign} begun={!editable} onLeave={() => setEditing(false)} />;
}
