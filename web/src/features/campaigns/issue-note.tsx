import { Alert, Text } from '@mantine/core';
import { IconNews } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { isEditable } from '@/lib/states';
import { LinkAnchor } from '@/ui/link';

type Props = { issue: NonNullable<Campaign['issue']>; status: Campaign['status'] };

/** Of which newsletter a campaign is an issue: that starts it, and not somebody here. */
export function IssueNote({ issue, status }: Props) {
  const { t } = useTranslation();
  return (
    <Alert variant="default" icon={<IconNews color="var(--app-info)" />}>
      <Text>
        {t('campaigns.issue.of')}{' '}
        <LinkAnchor
          to="/newsletters/$id/issues/$issue"
          params={{ id: String(issue.newsletter_id), issue: String(issue.id) }}
          underline="always"
        >
          {issue.newsletter}
        </LinkAnchor>
        .
      </Text>
      {isEditable(status) && (
        <Text size="sm" c="dimmed">
          {t('campaigns.issue.sends')}
        </Text>
      )}
    </Alert>
  );
}
