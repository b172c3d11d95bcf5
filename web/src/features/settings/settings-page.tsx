import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { TabList } from '@/ui/scroll-row';
import { ApiKeysTab } from './api-keys-tab';
import { GeneralTab } from './general-tab';
import { MediaTab } from './media-tab';
import { PasswordTab } from './password-tab';
import { settingsQuery } from './queries';
import { SystemTab } from './system-tab';

const route = getRouteApi('/shell/settings');
const tabs = ['general', 'media', 'keys', 'password', 'system'] as const;

export function SettingsPage() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const settings = useQuery(settingsQuery);
  const tab = tabs.find((name) => name === search.tab) ?? 'general';
  return (
    <>
      <PageHeader title={t('nav.settings')} />
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate({ search: value && value !== 'general' ? { tab: value } : {}, replace: true })
        }
      >
        <TabList value={tab}>
          {tabs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {t(`settings.tabs.${name}`)}
            </Tabs.Tab>
          ))}
        </TabList>
        <Tabs.Panel value="general">
          <QueryView query={settings}>{(data) => <GeneralTab settings={data} />}</QueryView>
        </Tabs.Panel>
        <Tabs.Panel value="media">
          <MediaTab />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <ApiKeysTab />
        </Tabs.Panel>
        <Tabs.Panel value="password">
          <PasswordTab />
        </Tabs.Panel>
        <Tabs.Panel value="system">
          <SystemTab />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
