import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Campaign } from '@/api/types';
import { keepsLines } from '@/ui/mail-editor/kinds';
import { Preview, type PreviewAs } from '@/ui/mail-editor/preview';
import { renderQuery } from '@/ui/mail-editor/queries';

/** The mail of a campaign that has started. */
export function MailTab({ campaign }: { campaign: Campaign }) {
  const [as, setAs] = useState<PreviewAs>({ scheme: 'light', images: 'on', subscriber: null });
  const { subject, preheader, kind, layout_id, inline_css, html, text } = campaign;
  const seen = {
    ...{ subject, preheader, kind, layout_id, inline_css, html, text },
    campaign_id: campaign.id,
    ...(as.subscriber && { subscriber_id: as.subscriber.id }),
  };
  const rendered = useQuery(renderQuery({ ...seen, scheme: as.scheme, images: as.images }));
  const { from_name, from_email, reply_to } = campaign;
  return (
    <Preview
      rendered={rendered.data}
      error={rendered.error}
      fetching={rendered.isFetching}
      plain={kind === 'text'}
      raw={{ ...seen, from_name, from_email, reply_to }}
      exactLines={keepsLines(kind, layout_id)}
      as={as}
      onAs={setAs}
    />
  );
}
