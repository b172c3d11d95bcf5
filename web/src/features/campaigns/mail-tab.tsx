import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Campaign } from '@/api/types';
import { Preview } from '@/ui/mail-editor/preview';
import { renderQuery } from '@/ui/mail-editor/queries';

/** The mail as it was frozen at the start. */
export function MailTab({ campaign }: { campaign: Campaign }) {
  const [dark, setDark] = useState(false);
  const { subject, html, text } = campaign;
  const rendered = useQuery(
    renderQuery({ subject, html, text, campaign_id: campaign.id, scheme: dark ? 'dark' : 'light' }),
  );
  return (
    <Preview
      rendered={rendered.data}
      error={rendered.error}
      fetching={rendered.isFetching}
      dark={dark}
      onDark={setDark}
    />
  );
}
