import { Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, MissingField } from '@/api/types';
import { LinkAnchor } from '@/ui/link';
import { fieldsUseQuery } from '@/ui/mail-editor/queries';
import { QueryView, RowsSkeleton } from '@/ui/query-view';
import { Section } from '@/ui/section';

/** Which fields of the saved content are empty for how many of the real recipients. */
export function MissingFields({ campaign, dirty }: { campaign: Campaign; dirty: boolean }) {
  const { t } = useTranslation();
  const query = useQuery(fieldsUseQuery(campaign.id, campaign.updated_at));
  return (
    <Section
      title={t('campaigns.missing.title')}
      description={t(dirty ? 'campaigns.missing.saved' : 'campaigns.missing.text')}
    >
      <QueryView query={query} skeleton={<RowsSkeleton rows={2} />}>
        {({ items }) =>
          items.every(({ count }) => count === 0) ? (
            <Group gap="xs">
              <IconCheck size={16} color="var(--app-good)" aria-hidden />
              <Text size="sm">{t('campaigns.missing.none')}</Text>
            </Group>
          ) : (
            <Stack gap="md">
              {items
                .filter(({ count }) => count > 0)
                .map((field) => (
                  <Missing key={field.field} missing={field} />
                ))}
            </Stack>
          )
        }
      </QueryView>
    </Section>
  );
}

function Missing({ missing }: { missing: MissingField }) {
  const { t } = useTranslation();
  const { field, count, exact } = missing;
  const examples = missing.examples ?? [];
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <IconAlertTriangle size={16} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 3 }} aria-hidden />
      <div style={{ minWidth: 0 }}>
        <Text size="sm">
          <code className="mono">{field}</code>{' '}
          {t(exact ? 'campaigns.missing.count' : 'campaigns.missing.about', { count })}
        </Text>
        {examples.length > 0 && (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {t('campaigns.missing.examples')}
            </Text>
            {examples.map((person) => (
              <LinkAnchor
                key={person.id}
                to="/subscribers/$id"
                params={{ id: String(person.id) }}
                className="link"
                fz="sm"
                style={{ overflowWrap: 'anywhere' }}
              >
                {person.email}
              </LinkAnchor>
            ))}
          </Group>
        )}
        <Text size="sm" c="dimmed">
          {t('campaigns.missing.remedy', {
            tag: `{{ ${field} | default: "…" }}`,
          })}
        </Text>
      </div>
    </Group>
  );
}
