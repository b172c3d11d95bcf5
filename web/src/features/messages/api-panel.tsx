import { Code, List, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { settingsQuery } from '@/features/settings/queries';
import { templatesQuery } from '@/features/templates/queries';
import { CopyButton } from '@/ui/copy-field';
import { LinkAnchor } from '@/ui/link';
import { QueryView, RowsSkeleton } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { curlSnippet, dataFields } from './snippet';

/** How a program sends a message by one of the templates. */
export function ApiPanel() {
  const { t } = useTranslation();
  const templates = useQuery(templatesQuery({ role: 'content' }));
  const settings = useQuery(settingsQuery);
  const [chosen, setChosen] = useState<number | null>(null);
  const origin = settings.data?.public_url || window.location.origin;
  return (
    <Section title={t('messages.api.title')} description={t('messages.api.text')}>
      <QueryView query={templates} skeleton={<RowsSkeleton rows={3} />}>
        {({ items }) => {
          const template = items.find((one) => one.id === chosen) ?? items[0];
          if (!template) {
            return (
              <Text>
                {t('messages.api.none')}{' '}
                <LinkAnchor to="/templates/new" underline="always">
                  {t('messages.api.newTemplate')}
                </LinkAnchor>
              </Text>
            );
          }
          const code = curlSnippet(origin, template);
          return (
            <List type="ordered" spacing="md" styles={{ itemWrapper: { width: '100%' }, itemLabel: { width: '100%' } }}>
              <List.Item>
                <Stack gap="xs">
                  <Text>{t('messages.api.step1', { tag: '{{ data.… }}' })}</Text>
                  <Select
                    aria-label={t('messages.api.choose')}
                    searchable
                    allowDeselect={false}
                    maw={360}
                    data={items.map((one) => ({ value: String(one.id), label: one.name }))}
                    value={String(template.id)}
                    onChange={(id) => setChosen(Number(id))}
                  />
                  {dataFields(template).length === 0 && (
                    <Text size="sm" c="dimmed">
                      {t('messages.api.read', { name: template.name })}
                    </Text>
                  )}
                </Stack>
              </List.Item>
              <List.Item>
                <Text>
                  {t('messages.api.step2')}{' '}
                  <LinkAnchor to="/settings" search={{ tab: 'keys' }} underline="always">
                    {t('messages.api.keys')}
                  </LinkAnchor>
                </Text>
              </List.Item>
              <List.Item>
                <Stack gap="xs">
                  <Text>{t('messages.api.step3')}</Text>
                  <div style={{ position: 'relative' }}>
                    <Code
                      block
                      tabIndex={0}
                      aria-label={t('messages.api.example')}
                      style={{ background: 'var(--app-sunken)', paddingRight: 44 }}
                    >
                      {code}
                    </Code>
                    <div style={{ position: 'absolute', top: 6, right: 6 }}>
                      <CopyButton value={code} label={t('messages.api.example')} />
                    </div>
                  </div>
                </Stack>
              </List.Item>
            </List>
          );
        }}
      </QueryView>
    </Section>
  );
}
