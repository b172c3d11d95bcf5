import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { formatList } from '@/lib/format';
import { domainOf, keepsFromStarting, type RouteIssue, routeIssues } from '@/lib/routing';
import { LinkAnchor } from '@/ui/link';

type Props = {
  relays: Relay[];
  from: string;
  /** Takes a relay out of the campaign, where that can be done here. */
  onLeaveOut?: (id: number) => void;
};

/** What stands in the way of sending through these relays, each with the ways out. */
export function RelayIssues({ relays, from, onLeaveOut }: Props) {
  const { t } = useTranslation();
  const issues = routeIssues(relays, from);
  if (issues.length === 0) return null;
  const blocked = issues.some(keepsFromStarting);
  return (
    <Alert
      variant="default"
      icon={<IconAlertTriangle color={blocked ? 'var(--app-bad)' : 'var(--app-warn)'} />}
      title={t(blocked ? 'campaigns.issues.blocked' : 'campaigns.issues.warning')}
    >
      <Stack gap="sm">
        {issues.map((issue) => (
          <div key={`${issue.kind} ${issue.relay?.id}`}>
            <Text style={{ overflowWrap: 'anywhere' }}>
              <IssueText issue={issue} from={from} several={relays.length > 1} />
            </Text>
            {issue.relay && (
              <Group gap="sm" mt={4}>
                {onLeaveOut && relays.length > 1 && (
                  <Button size="compact-sm" variant="default" onClick={() => onLeaveOut(issue.relay.id)}>
                    {t('campaigns.issues.leaveOut', { relay: issue.relay.name })}
                  </Button>
                )}
                <LinkAnchor to="/relays/$id" params={{ id: String(issue.relay.id) }} className="link">
                  {t('campaigns.issues.open', { relay: issue.relay.name })}
                </LinkAnchor>
              </Group>
            )}
          </div>
        ))}
      </Stack>
    </Alert>
  );
}

function IssueText({ issue, from, several }: { issue: RouteIssue<Relay>; from: string; several: boolean }) {
  const { t } = useTranslation();
  const number = several ? 'several' : 'one';
  if (!issue.relay) return t(`campaigns.issues.nobody.${number}`);
  const values = {
    relay: issue.relay.name,
    domains: formatList(issue.relay.from_domains),
    from: domainOf(from),
  };
  if (issue.kind === 'inbox') return t('campaigns.issues.inbox', values);
  return t(`campaigns.issues.${issue.kind}.${number}`, values);
}
